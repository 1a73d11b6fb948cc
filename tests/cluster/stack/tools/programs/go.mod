module mooring.invalid/programs

go 1.26.0
