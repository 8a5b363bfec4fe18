// Opens pages in a real browser and says what is wrong with them.
//
//   node look.mjs PLAN.json
//
// The plan: { chromium, modules, base, out, pages: [{ name, path, widths, themes, script, changes, type }] }. Each page is
// opened in each width and theme; a picture of it goes to `out`. What is wrong is printed, one line each; then the exit
// code is 1. Asserted: no error on the console, no request to elsewhere, no violation of the Content-Security-Policy, none
// of accessibility (axe-core), no horizontal scrolling.
import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import path from "node:path";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const require = createRequire(path.join(plan.modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const HEIGHT = { 375: 780, 1280: 860, 2560: 1300 };
const PATIENCE = 30_000;

const wrong = [];
const browser = await chromium.launch({ executablePath: plan.chromium, args: ["--no-sandbox", "--disable-gpu"] });
mkdirSync(plan.out, { recursive: true });

for (const page of plan.pages) {
  for (const theme of page.themes ?? ["light", "dark"]) {
    for (const width of page.widths ?? [375, 1280, 2560]) await look(page, width, theme);
  }
}
await browser.close();
for (const line of wrong) console.log(line);
process.exit(wrong.length ? 1 : 0);

async function look(page, width, theme) {
  const scripted = page.script !== false;
  const where = `${page.name} at ${width} in ${theme}${scripted ? "" : " without a script"}`;
  const complain = (what) => wrong.push(`${where}: ${what}`);
  const context = await browser.newContext({
    viewport: { width, height: HEIGHT[width] ?? 860 },
    colorScheme: theme,
    javaScriptEnabled: scripted,
    reducedMotion: "reduce",
  });
  try {
    const tab = await context.newPage();
    tab.setDefaultTimeout(PATIENCE);
    tab.on("console", (message) => {
      const expected = ((page.status ?? 200) >= 400 || page.send) && message.text().includes("Failed to load resource");
      if (message.type() === "error" && !expected) complain(`console: ${message.text()}`);
    });
    tab.on("pageerror", (error) => complain(`script: ${error.message}`));
    tab.on("request", (request) => {
      if (!request.url().startsWith(plan.base + "/")) complain(`asks ${request.url()}`);
    });
    tab.on("requestfailed", (request) => {
      // The stream is cut when the page goes away, and a picture that another one takes the place of is not waited for.
      const aborted = request.failure()?.errorText === "net::ERR_ABORTED";
      if (!(aborted && /\/(live$|charts\/)/.test(request.url()))) complain(`no answer from ${request.url()}: ${request.failure()?.errorText}`);
    });
    await tab.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
    });
    const answer = await tab.goto(plan.base + page.path, { waitUntil: "load" });
    if (answer.status() !== (page.status ?? 200)) complain(`answered ${answer.status()}`);
    if (scripted) await inside(page, tab, complain);
    for (const text of page.shows ?? []) {
      if (!(await tab.content()).includes(text)) complain(`does not say ${JSON.stringify(text)}`);
    }
    const name = [page.name, width, theme, ...(scripted ? [] : ["noscript"])].join("-");
    await tab.screenshot({ path: path.join(plan.out, `${name}.png`), fullPage: page.full !== false, animations: "disabled" });
  } catch (error) {
    complain(String(error));
  } finally {
    await context.close();
  }
}

async function inside(page, tab, complain) {
  await tab.waitForFunction(() => [...document.images].every((image) => image.complete));
  const broken = await tab.evaluate(() => [...document.images].filter((i) => i.naturalWidth === 0).map((i) => i.src));
  for (const image of broken) complain(`no picture from ${image}`);
  if (page.changes) await changes(page.changes, tab);
  if (page.type) await search(page.type, tab, complain);
  if (page.click) await tab.click(page.click);
  if (page.fill) {
    for (const [selector, text] of Object.entries(page.fill)) await tab.fill(selector, text);
    await Promise.all([tab.waitForNavigation(), tab.click(page.send)]);
  }
  for (const violation of await tab.evaluate(() => window.violations)) complain(`policy: ${violation}`);
  const wide = await tab.evaluate(() => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return null;
    const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > page.clientWidth + 1);
    return out.slice(0, 3).map((e) => `${e.tagName}.${e.getAttribute("class") ?? ""}`).join(", ") || "something";
  });
  if (wide) complain(`scrolls sideways because of ${wide}`);
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const v of violations) complain(`axe: ${v.id} (${v.help}): ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
}

// Its text becomes another one, and the page is still the same.
async function changes(selector, tab) {
  const before = await tab.textContent(selector);
  await tab.evaluate(() => { window.same = true; });
  await tab.waitForFunction(([s, text]) => document.querySelector(s)?.textContent !== text, [selector, before]);
  if (!(await tab.evaluate(() => window.same))) throw new Error("the page was loaded anew");
  await tab.waitForFunction(() => document.querySelector("[data-live-status]").textContent === "live");
}

// Rows that do not match go away as one types, and the address follows.
async function search({ text, rows }, tab, complain) {
  await tab.focus("#q");
  await tab.keyboard.type(text);
  const seen = () => tab.evaluate(() => [...document.querySelectorAll(".fleet tbody")].filter((r) => !r.hidden).length);
  if ((await seen()) !== rows) complain(`${await seen()} rows after typing, not ${rows}`);
  await tab.waitForFunction(() => location.search.includes("q="));
  await tab.waitForFunction((n) => document.querySelectorAll(".fleet tbody").length === n, rows);
  const focus = await tab.evaluate(() => document.activeElement.id + "=" + document.activeElement.value);
  if (focus !== `q=${text}`) complain(`the focus is at ${focus}`);
}
