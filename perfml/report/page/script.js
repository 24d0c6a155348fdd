"use strict";
/* Filters, sorts and exports the lists; on a dashboard chooses a person and a value. Everything is in the page already: without
   this script it reads the same. */
const FORMULA = {{ formula }};
const text = (value) => (value && FORMULA.includes(value[0]) ? "'" + value : value);
const number = (value) => (value === "" ? "" : Number(value));

const why = (row) => document.getElementById("why-" + row.id); /* perhaps in the person's row of another list */

function values(row, days) {
  const d = row.dataset;
  const parts = (li) => [...li.childNodes].map((node) => node.textContent.replaceAll("\u00a0", " ").trim()).filter(Boolean);
  const reasons = [...(why(row)?.children ?? [])].slice(0, 3).map((li) => text(parts(li).join(" · ")));
  return [text(d.id), text(d.name), text(d.unit), text(d.manager), number(d.level), number(d.tenure), text(d.list),
    number(d.rank), number(d.risk), number(days), ...reasons];
}

function save(name, type, parts) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function csv(rows) {
  const cell = (value) => (typeof value === "number" ? value : '"' + String(value).replaceAll('"', '""') + '"');
  return "\ufeff" + rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/* A workbook is a zip of five small XML files, stored without compression (ECMA-376, PKWARE APPNOTE). */
function xlsx(rows) {
  const escape = (value) => String(value).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const cell = (value) => (value === "" ? "<c/>" : typeof value === "number" ? `<c><v>${value}</v></c>`
    : `<c t="inlineStr"><is><t xml:space="preserve">${escape(value)}</t></is></c>`);
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
  const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const packages = "http://schemas.openxmlformats.org/package/2006";
  const kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  return zip({
    "[Content_Types].xml": `${head}<Types xmlns="${packages}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${kind}.worksheet+xml"/></Types>`,
    "_rels/.rels": `${head}<Relationships xmlns="${packages}/relationships"><Relationship Id="r1" Type="${office}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml": `${head}<workbook xmlns="${main}" xmlns:r="${office}"><sheets><sheet name="perfml" sheetId="1" r:id="r1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `${head}<Relationships xmlns="${packages}/relationships"><Relationship Id="r1" Type="${office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
    "xl/worksheets/sheet1.xml": `${head}<worksheet xmlns="${main}"><sheetData>${rows.map((row) => `<row>${row.map(cell).join("")}</row>`).join("")}</sheetData></worksheet>`,
  });
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function zip(files) {
  const bytes = (...fields) => Uint8Array.from(fields.flatMap(([value, size]) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 255)));
  const local = [], central = [];
  let offset = 0, centralSize = 0;
  for (const [path, content] of Object.entries(files)) {
    const name = new TextEncoder().encode(path), data = new TextEncoder().encode(content);
    const common = [[20, 2], [0x800, 2], [0, 2], [0, 2], [33, 2], [crc32(data), 4], [data.length, 4], [data.length, 4], [name.length, 2], [0, 2]];
    local.push(bytes([0x04034b50, 4], ...common), name, data);
    central.push(bytes([0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), name);
    offset += 30 + name.length + data.length;
    centralSize += 46 + name.length;
  }
  const count = central.length / 2;
  return [...local, ...central, bytes([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [centralSize, 4], [offset, 4], [0, 2])];
}

for (const form of document.querySelectorAll("form.tools")) {
  const table = document.getElementById(form.dataset.table), body = table.tBodies[0];
  const rows = [...body.rows], controls = form.elements;
  for (const name of ["unit", "manager", "owners", "list"]) {
    const options = new Set(rows.flatMap((row) => row.dataset[name].split("|")).filter(Boolean));
    const ordered = name === "list" ? [...options] : [...options].sort((a, b) => a.localeCompare(b));
    controls[name].append(...ordered.map((option) => new Option(option, option)));
    controls[name].hidden = options.size < 2;
  }
  const apply = () => {
    const search = controls.search.value.trim().toLowerCase(), sort = controls.sort.value;
    for (const row of rows) {
      row.hidden = !((row.textContent + (why(row)?.textContent ?? "")).toLowerCase().includes(search) && ["unit", "manager", "owners", "list"].every(
        (name) => !controls[name].value || row.dataset[name].split("|").includes(controls[name].value)));
    }
    const key = (row) => row.dataset[sort];
    body.append(...rows.sort((a, b) => (["order", "rank", "tenure"].includes(sort) ? key(a) - key(b) : key(a).localeCompare(key(b)))
      || a.dataset.order - b.dataset.order));
    form.querySelector("output").textContent = form.dataset.shown.replace("{n}", rows.filter((row) => !row.hidden).length).replace("{m}", rows.length);
  };
  const sheet = () => [table.dataset.columns.split("|"), ...rows.filter((row) => !row.hidden).map((row) => values(row, table.dataset.days))];
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  controls.csv.addEventListener("click", () => save(form.dataset.file + ".csv", "text/csv", [csv(sheet())]));
  controls.xlsx.addEventListener("click", () => save(form.dataset.file + ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx(sheet())));
  addEventListener("hashchange", () => {
    const row = rows.find((each) => each.hidden && "#" + each.id === location.hash);
    if (row) form.reset(), apply(), row.scrollIntoView();
  });
  form.hidden = false;
  apply();
}
for (const people of document.querySelectorAll(".people")) {
  const everyone = [...people.children], chooser = document.createElement("select");
  chooser.ariaLabel = people.dataset.label;
  chooser.append(...everyone.map((person, at) => new Option(person.firstElementChild.textContent, at)));
  const show = () => everyone.forEach((person, at) => { person.hidden = at !== Number(chooser.value); person.open = true; person.firstElementChild.hidden = true; });
  chooser.addEventListener("input", show);
  people.prepend(chooser);
  show();
}
for (const whatIf of document.querySelectorAll(".whatif")) {
  const values = [...whatIf.querySelectorAll("li")], own = values.findIndex((value) => value.className), slider = document.createElement("input"), answer = document.createElement("output");
  Object.assign(slider, { type: "range", min: 0, max: values.length - 1, value: own, ariaLabel: whatIf.firstElementChild.textContent });
  const part = (at, name) => values[at].querySelector(name).textContent;
  slider.addEventListener("input", () => {
    const chosen = Number(slider.value);
    values.forEach((value, at) => value.classList.toggle("chosen", at === chosen && at !== own));
    answer.textContent = chosen === own ? "" : whatIf.dataset.text.replace("{value}", part(chosen, "span")).replace("{after}", part(chosen, "b")).replace("{before}", part(own, "b"));
  });
  whatIf.append(slider, answer);
}
if (navigator.language.startsWith("zh")) document.getElementById("language-zh").checked = true;
