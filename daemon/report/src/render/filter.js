// Narrows the list of a page to rows that have all words of the filter box. Without this file the list is whole and the box is
// not there.
"use strict";
{
  const box = document.querySelector(".filter");
  const input = box.querySelector("input");
  const said = box.querySelector("output");
  const list = document.getElementById("list");
  const plain = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const textOf = row => [...row.cells].map(cell => cell.textContent).join(" ");
  const groups = [...list.tBodies].map(body => {
    const head = body.querySelector("tr.group");
    const about = head ? textOf(head) + " " : "";
    const rows = [...body.rows].filter(row => row !== head);
    const link = body.id && document.querySelector(`.anchors a[href="#${CSS.escape(body.id)}"]`);
    return { body, link, rows: rows.map(row => ({ row, text: plain(about + textOf(row)) })) };
  });
  const all = groups.reduce((sum, group) => sum + group.rows.length, 0);
  const filter = () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { body, link, rows } of groups) {
      let here = 0;
      for (const { row, text } of rows) {
        row.hidden = !words.every(word => text.includes(word));
        here += !row.hidden;
      }
      body.hidden = here === 0;
      if (link) link.parentElement.hidden = here === 0;
      shown += here;
    }
    list.hidden = shown === 0;
    const number = count => count.toLocaleString("en");
    said.textContent = words.length ? `${number(shown)} of ${number(all)}` : `${number(all)} in all`;
  };
  input.addEventListener("input", filter);
  input.addEventListener("keydown", event => {
    if (event.key === "Escape" && input.value) {
      input.value = "";
      filter();
    }
  });
  // A browser may bring back what stood in the box.
  addEventListener("pageshow", filter);
  box.hidden = false;
  filter();
}
