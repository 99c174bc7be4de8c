"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const word = (place) => data.words[place];
  const make = (tag, text, parent, kind) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (kind) element.className = kind;
    if (parent) parent.append(element);
    return element;
  };

  // sorting: a click on a column's head; numbers by value, words by the reader's language
  const order = new Intl.Collator(undefined, { numeric: true });
  const value = (cell) => {
    const text = cell.dataset.value ?? cell.textContent;
    const number = parseFloat(text.replace("−", "-"));
    return cell.classList.contains("num") ? (Number.isNaN(number) ? -Infinity : number) : text;
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : order.compare(a, b));
  const sort = (table, head, column) => {
    const down = head.getAttribute("aria-sort") === "ascending" || (!head.hasAttribute("aria-sort") && head.classList.contains("num"));
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [value(row.cells[column]), row]);
    rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
    const sorted = document.createDocumentFragment();
    for (const [, row] of rows) sorted.append(row);
    body.append(sorted);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    Array.from(table.tHead.rows[0].cells, (head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head, column));
    });
  }

  // a row opens that student's result
  const dialog = document.getElementById("detail");
  const open = (student) => {
    const kept = Object.hasOwn(data.students, student) ? data.students[student] : null;
    const row = Array.from(rows).find((one) => one.dataset.student === student);
    document.getElementById("detail-name").textContent = row ? row.cells[0].textContent : student;
    const body = document.getElementById("detail-body");
    body.replaceChildren();
    const link = row && row.cells[0].querySelector("a");
    if (link) make("a", "the whole feedback page", make("p", "", body)).href = link.href;
    if (!kept) make("p", "There is no result.", body);
    else {
      if (kept.why) make("p", kept.why, body);
      for (const [name, title, hint] of kept.known) {
        const box = make("div", "", body, "box");
        make("p", `${word(name)} behaves like this: ${word(title)}`, box);
        make("p", word(hint), box, "hint");
      }
      if (!kept.failed.length && !kept.why) make("p", "Every check passed.", body);
      const list = make("ul", "", body, "checks");
      for (const [name, title, points, message] of kept.failed) {
        const item = make("li", "", list);
        make("b", "✗", item, "bad").setAttribute("aria-hidden", "true");
        item.append(`${word(title)} `);
        make("span", `(${word(name)}, ${points})`, item, "quiet");
        make("span", word(message), item, "what");
      }
    }
    dialog.showModal();
  };
  const rows = document.getElementById("class").tBodies[0].rows;
  for (const row of rows) {
    const head = row.cells[0];
    const link = head.querySelector("a");
    const button = make("button", head.textContent, null, "opens");
    button.type = "button";
    button.addEventListener("click", () => open(row.dataset.student));
    if (link) link.hidden = true;
    else head.textContent = "";
    head.prepend(button);
    row.addEventListener("click", (event) => {
      if (!event.target.closest("a, button") && String(getSelection()) === "") open(row.dataset.student);
    });
  }
  for (const link of document.querySelectorAll("a[data-student]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(link.dataset.student);
    });
  }

  // filtering: words anywhere in the row, and kinds of rows
  const words = document.getElementById("filter");
  const which = document.getElementById("which");
  const found = document.getElementById("found");
  const texts = new Map(Array.from(rows, (row) => [row, row.textContent.toLowerCase()]));
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const [row, text] of texts) {
      const kinds = row.dataset.is.split(" ");
      const fits = wanted.every((one) => text.includes(one)) && (!which.value || kinds.includes(which.value));
      row.hidden = !fits;
      count += fits;
    }
    found.textContent = `${count} of ${texts.size} students`;
  };
  words.addEventListener("input", filter);
  which.addEventListener("change", filter);
  document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("tools").hidden = false;
  filter();
})();
