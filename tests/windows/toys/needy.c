/* A program that needs part.dll: which is absent, or refuses to start. */
int part(void);

int main(void) { return part(); }
