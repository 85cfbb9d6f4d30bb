"use strict";

const POLL_MS = 1000;

/** Columns of the tables, by the names of the rows' fields. */
const COLUMNS = {
  executions: ["began", "kind", "name", "state", "seconds", "detail"],
  resources: ["kind", "name", "state", "detail"],
  logs: ["at", "source", "severity", "text"],
  requests: ["at", "method", "path", "status", "message"],
};

let data;
let shown = "";

/** Rows come from programs and users: as text, never as HTML. */
function cell(name, value) {
  const made = document.createElement(name);
  made.textContent = value ?? "";
  return made;
}

function row({ mood, ...fields }, columns) {
  const made = document.createElement("tr");
  made.className = mood ?? "";
  made.append(...columns.map((column) => cell("td", fields[column])));
  return made;
}

function show() {
  const wanted = document.querySelector("#filter").value.toLowerCase();
  for (const [id, columns] of Object.entries(COLUMNS)) {
    const head = document.createElement("tr");
    head.append(...columns.map((column) => cell("th", column)));
    const rows = data[id].filter((each) =>
      columns.some((column) =>
        String(each[column] ?? "")
          .toLowerCase()
          .includes(wanted),
      ),
    );
    document
      .getElementById(id)
      .replaceChildren(head, ...rows.map((each) => row(each, columns)));
  }
}

async function poll() {
  const state = document.querySelector("#state");
  try {
    const text = await (await fetch("/page/data")).text();
    // A selection on the page survives while nothing happens.
    if (text !== shown) {
      data = JSON.parse(text);
      shown = text;
      document.querySelector("#project").textContent = data.project;
      show();
    }
    state.textContent = data.note;
  } catch {
    state.textContent = "It does not answer: the local cloud has ended.";
  }
  setTimeout(poll, POLL_MS);
}

document.querySelector("#filter").addEventListener("input", show);
void poll();
