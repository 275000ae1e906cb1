"use strict";
// Draws the report. Every text goes in as text, never as markup: much of it was written by providers.
const report = JSON.parse(document.getElementById("report").textContent);
const main = document.getElementById("main");
const FACETS = ["status", "evidence", "law", "provider", "area", "level"];
const SHOWN = 300;

const evidence = (entry) => (entry.source ? entry.source.kind : "law");
const facet = (entry, name) => (name === "evidence" ? evidence(entry) : entry[name]);
const tone = (status) => ({ pass: "pass", "known-failing": "known", skip: "none", "not-run": "none" })[status] ?? "bad";

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null));
  return node;
}

// Where one is: the overview with a choice of cases, or one case. It stands in the hash, so that it can be linked to.
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const choice = Object.fromEntries(new URLSearchParams(query ?? ""));
  const name = path.startsWith("case/") ? decodeURIComponent(path.slice(5)) : null;
  return { name, choice };
}
function query(choice) {
  const text = new URLSearchParams(Object.entries(choice).filter(([, value]) => value)).toString();
  return text ? `?${text}` : "";
}
const overviewLink = (choice) => `#/${query(choice)}`;
const caseLink = (entry, choice) => `#/case/${encodeURIComponent(entry.name).replaceAll("%2F", "/")}${query(choice)}`;

function chosen(choice) {
  const words = (choice.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  // What needs somebody's eyes comes first.
  const bad = (entry) => (tone(entry.status) === "bad" ? 0 : 1);
  return [...report.cases].sort((a, b) => bad(a) - bad(b)).filter((entry) => {
    const text = () => [entry.name, ...entry.differences, ...entry.rules.map((rule) => `${rule.id} ${rule.says}`)].join("\n").toLowerCase();
    return FACETS.every((name) => !choice[name] || facet(entry, name) === choice[name]) && words.every((word) => text().includes(word));
  });
}

function chips(name, choice, counts) {
  return Object.entries(counts).map(([value, count]) => {
    const on = choice[name] === value;
    const look = `chip ${name === "status" ? tone(value) : ""} ${on ? "on" : ""}`;
    return make("a", { class: look, href: overviewLink({ ...choice, [name]: on ? "" : value }) }, make("b", {}, String(count)), ` ${value}`);
  });
}

// One row for each value of a facet, one column for each provider: how many hold, and of how many where some do not.
function matrix(name, entries) {
  const providers = [...new Set(report.cases.map((entry) => entry.provider))];
  const rows = [...new Set(entries.map((entry) => facet(entry, name)))].sort();
  const cell = (row, provider) => {
    const here = entries.filter((entry) => facet(entry, name) === row && entry.provider === provider);
    if (here.length === 0) return make("td", {}, make("span", {}, "–"));
    const bad = here.filter((entry) => tone(entry.status) === "bad").length;
    const worst = bad ? "bad" : ["known", "pass"].find((look) => here.some((entry) => tone(entry.status) === look)) ?? "none";
    const text = bad ? `${here.length - bad} / ${here.length}` : String(here.length);
    return make("td", {}, make("a", { class: worst, href: overviewLink({ [name]: row, provider }) }, text));
  };
  return make("div", { class: "scroll" }, make("table", {},
    make("tr", {}, make("th", {}, name), providers.map((provider) => make("th", {}, provider))),
    rows.map((row) => make("tr", {}, make("th", {}, row), providers.map((provider) => cell(row, provider))))));
}

function overview(choice) {
  const facts = {};
  for (const entry of report.cases) facts[evidence(entry)] = (facts[evidence(entry)] ?? 0) + 1;
  const faults = report.faults.flatMap((fault) => Object.values(fault));
  const about = report.cases.filter((entry) => entry.exchange);
  const list = make("div", {});
  const fill = (all) => {
    const found = chosen(choice);
    const shown = all ? found : found.slice(0, SHOWN);
    const rest = found.length - shown.length;
    list.replaceChildren(
      make("h2", {}, `${found.length} of ${report.cases.length} cases`),
      make("ul", { class: "cases" }, shown.map((entry) => make("li", {},
        make("span", { class: `chip ${tone(entry.status)}` }, entry.status),
        make("a", { class: "name", href: caseLink(entry, choice) }, entry.name),
        make("span", { class: "why" }, `${entry.level}, ${evidence(entry)}`)))),
      ...(rest ? [make("button", { onclick: () => fill(true) }, `show ${rest} more`)] : []));
  };
  const typed = (event) => {
    choice = { ...choice, q: event.target.value };
    history.replaceState(null, "", overviewLink(choice));
    fill(false);
  };
  const named = FACETS.slice(2).filter((name) => choice[name]);
  fill(false);
  main.replaceChildren(
    make("h2", {}, "how the cases ended"), make("div", { class: "chips" }, chips("status", choice, report.counts)),
    ...(faults.length ? [make("ul", { class: "faults bad" }, faults.map((fault) => make("li", {}, fault)))] : []),
    make("h2", {}, "how sure the facts are"), make("div", { class: "chips" }, chips("evidence", choice, facts)),
    make("h2", {}, "laws"), matrix("law", report.cases),
    make("h2", {}, "areas of the documents"), matrix("area", about),
    make("h2", {}, "cases"),
    make("div", { class: "search" },
      make("input", { type: "search", placeholder: "words of a name, a rule or a difference", value: choice.q ?? "", oninput: typed }),
      named.map((name) => make("a", { class: "chip on", href: overviewLink({ ...choice, [name]: "" }) }, `${name}: ${choice[name]} ×`))),
    list);
}

// JSON with its names, texts and numbers apart.
function json(value) {
  const text = JSON.stringify(value, null, 2);
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g)) {
    parts.push(text.slice(at, found.index));
    const look = found[2] ? "key" : found[1] ? "string" : "number";
    parts.push(make("span", { class: look }, found[1] ?? found[0]), found[2] ?? "");
    at = found.index + found[0].length;
  }
  return make("pre", {}, parts, text.slice(at));
}

function card(head, ...body) {
  return make("div", { class: "card" }, make("div", { class: "head" }, head), body);
}
function command(head, text) {
  const button = make("button", { onclick: () => navigator.clipboard?.writeText(text).then(() => (button.textContent = "copied")) }, "copy");
  return make("div", { class: "card" }, make("div", { class: "head" }, make("b", {}, head), button), make("pre", {}, text));
}

function exchange({ given, request, response }) {
  const above = (all) => (Object.keys(all ?? {}).length ? make("pre", {}, Object.entries(all).map(([name, value]) => `${name}: ${value}\n`)) : null);
  const sent = [];
  if (given) sent.push(card(make("b", {}, "asked for"), json(given)));
  if (request) {
    sent.push(card([make("b", {}, request.method), request.path], above(request.headers), request.json === null ? null : json(request.json)));
  }
  const answered = [];
  if (response) {
    const { json: value, text, sse, base64 } = response.body;
    const body = value !== undefined ? json(value) : make("pre", {}, text ?? sse ?? `${base64} (base64)`);
    answered.push(card([make("b", {}, String(response.status)), "answer"], above(response.headers), body));
  }
  return make("div", { class: "two" }, [sent, answered].filter((side) => side.length).map((side) => make("div", {}, side)));
}

// A difference, with both sides below each other where it has the usual form.
function difference(line) {
  const form = /^(.{1,120}?): expected ([^]*), saw ([^]*)$/.exec(line);
  if (!form) return make("div", { class: "difference" }, line);
  const [, at, expected, saw] = form;
  return make("div", { class: "difference" }, make("code", { class: "at" }, at), make("dl", {},
    make("dt", {}, "expected"), make("dd", {}, make("code", { class: "pass" }, expected)),
    make("dt", {}, "saw"), make("dd", {}, make("code", { class: "bad" }, saw))));
}

const lines = (text) => (/^(\d+)(-\1)?$/.test(text) ? `line ${text.split("-")[0]}` : `lines ${text}`);

function where(source) {
  const parts = [source.document && `document ${source.document}`, source.lines && lines(source.lines), source.at, source.note];
  const text = parts.filter(Boolean).join(", ");
  const link = /^https:\/\//.test(source.url ?? "") ? make("a", { href: source.url, rel: "noreferrer" }, source.url) : source.url ?? null;
  return make("blockquote", {}, text, text && link ? make("br", {}) : null, link, make("footer", {}, source.kind, source.read ? `, read on ${source.read}` : ""));
}

function page(name, choice) {
  const entry = report.cases.find((entry) => entry.name === name);
  if (!entry) return main.replaceChildren(make("h1", {}, `There is no case ${name}`));
  const row = chosen(choice);
  const at = row.indexOf(entry);
  const step = (to, text) => (at >= 0 && row[to] ? make("a", { href: caseLink(row[to], choice) }, text) : make("span", {}));
  const part = (title, ...nodes) => [make("h2", {}, title), ...nodes];
  main.replaceChildren(
    make("nav", {}, make("a", { href: overviewLink(choice) }, "← all cases"), make("span", {}, step(at - 1, "← previous"), " \u00a0 ", step(at + 1, "next →"))),
    make("h1", { class: "name" }, entry.name),
    make("div", { class: "chips" },
      make("span", { class: `chip ${tone(entry.status)}` }, entry.status),
      make("span", { class: "chip" }, entry.level), make("span", { class: "chip" }, evidence(entry)),
      make("span", { class: "chip" }, entry.area), entry.reason ? make("span", {}, entry.reason) : null),
    ...(entry.differences.length ? part("what differs", make("div", { class: "card" }, entry.differences.map(difference))) : []),
    ...(entry.rules.length ? part("what the document says, in our words", make("div", { class: "card" }, entry.rules.map((rule) =>
      make("blockquote", {}, rule.says, make("footer", {}, `document ${rule.document}, ${lines(rule.lines)}, rule ${rule.id}`))))) : []),
    ...(entry.source ? part("where the fact stands", make("div", { class: "card" }, where(entry.source))) : []),
    ...(entry.exchange ? part("the exchange", exchange(entry.exchange)) : []),
    ...part("see for yourself", command("run this case alone", entry.command), ...(entry.curl ? [command("send it to the provider, which may cost something", entry.curl)] : [])));
  scrollTo(0, 0);
}

function draw() {
  const { name, choice } = place();
  document.title = name ?? "Seedream conformance";
  if (name) page(name, choice);
  else overview(choice);
}
document.getElementById("about").textContent = `requirements ${report.requirements}${report.filter ? `, partial: only ${report.filter}` : ""}`;
addEventListener("hashchange", draw);
draw();
