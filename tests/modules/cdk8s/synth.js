// Makes COUNT Apps of the objects in OBJECTS (a JSON list), each a chart of cdk8s, below OUT: what a team writes for its thousand Apps.
const { readFileSync } = require("fs");
const { App, Chart, ApiObject } = require("cdk8s");

const [objects, count, outdir] = process.argv.slice(2);
const text = readFileSync(objects, "utf8");
const app = new App({ outdir });
for (let number = 0; number < Number(count); number++) {
  const chart = new Chart(app, `app-${number}`);
  JSON.parse(text.replaceAll("app-7", `app-${number}`)).forEach((one, index) => new ApiObject(chart, `object-${index}`, one));
}
app.synth();
