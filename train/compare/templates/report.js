"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);

  // Text is only ever set as text, never as markup: an article may contain anything.
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "style") for (const [key, setting] of Object.entries(value)) made.style.setProperty(key, setting);
      else if (value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };

  // Theme: the system's, unless the reader says otherwise. A file opened from disk may have no storage.
  const themes = ["system", "light", "dark"];
  const button = byId("theme");
  const showTheme = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    button.dataset.theme = theme;
  };
  let stored = null;
  try { stored = localStorage.getItem("dosilink-theme"); } catch { /* no storage */ }
  showTheme(themes.includes(stored) ? stored : "system");
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(button.dataset.theme) + 1) % themes.length];
    showTheme(next);
    try { localStorage.setItem("dosilink-theme", next); } catch { /* no storage */ }
  });

  // Articles. Places are code points, JavaScript counts UTF-16 units: texts are cut into code points once.
  const articles = data.articles.map((article) => ({ ...article, chars: Array.from(article.text) }));
  const controls = { left: byId("left"), right: byId("right"), label: byId("label"), error: byId("error"), order: byId("order"), query: byId("query"), wrong: byId("wrong") };
  const option = (value, text) => element("option", { value }, text);
  const NONE = "-1";
  data.entrants.forEach((name, index) => {
    controls.left.append(option(index, name));
    controls.right.append(option(index, name));
  });
  controls.right.append(option(NONE, "nothing"));
  const optionGroup = (label, values, prefix) => {
    const group = element("optgroup", { label });
    group.append(...values.map((value) => option(`${prefix}:${value}`, value)));
    return group;
  };
  controls.label.append(option("", "all"), optionGroup("Mentions", data.labels, "m"), optionGroup("Relations", data.types, "r"));
  controls.error.append(option("", "any or none"), optionGroup("Mentions", data.mentionErrors, "m"), optionGroup("Relations", data.relationErrors, "r"));
  controls.order.append(option("differences", "most differences first"), option("left", "most errors on the left first"), option("right", "most errors on the right first"), option("file", "as in the corpus"));

  const defaults = () => {
    controls.left.value = "0";
    controls.right.value = data.entrants.length > 1 ? "1" : NONE;
    controls.label.value = controls.error.value = controls.query.value = "";
    controls.order.value = data.entrants.length > 1 ? "differences" : "left";
    controls.wrong.checked = false;
  };

  const chosen = () => [Number(controls.left.value), Number(controls.right.value)].filter((side) => side >= 0);
  const labelsOf = ([, gold, answer]) => [gold, answer].filter(Boolean).map((span) => (typeof span[0] === "string" ? span[0] : span[2]));

  // What an entrant got of an article under the filters: the kinds of errors left.
  const fits = (item, kind) => {
    const [labelKind, label] = controls.label.value.split(":");
    const [errorKind, error] = controls.error.value.split(":");
    if (label && (labelKind !== kind || !labelsOf(item).includes(label))) return false;
    if (error && (errorKind !== kind || item[0] !== error)) return false;
    return true;
  };
  const errors = (answer) => [
    ...answer.mentions.filter((item) => item[0] !== "correct" && fits(item, "m")),
    ...answer.relations.filter((item) => item[0] !== "correct" && fits(item, "r")),
  ];
  const differences = (article, [first, second]) => {
    if (second === undefined) return 0;
    const [one, other] = [first, second].map((side) => new Map(errors(article.answers[side]).map((item) => [JSON.stringify(item.slice(0, 3)), item])));
    return [...one.keys()].filter((key) => !other.has(key)).length + [...other.keys()].filter((key) => !one.has(key)).length;
  };

  let current = null;
  let shown = [];

  const select = () => {
    const sides = chosen();
    const query = controls.query.value.trim().toLowerCase();
    const filtered = Boolean(controls.label.value || controls.error.value);
    const rows = articles.map((article, index) => ({
      article,
      index,
      wrong: sides.map((side) => errors(article.answers[side]).length),
      different: differences(article, sides),
    })).filter(({ article, wrong }) =>
      (!query || article.text.toLowerCase().includes(query) || article.id.toLowerCase().includes(query)) &&
      (!filtered || wrong.some(Boolean) || (!controls.error.value && hasLabel(article))));
    const rank = { differences: (row) => row.different, left: (row) => row.wrong[0], right: (row) => row.wrong[1] ?? 0, file: () => 0 }[controls.order.value];
    return rows.sort((a, b) => rank(b) - rank(a) || a.index - b.index);
  };
  const hasLabel = (article) => {
    const [kind, label] = controls.label.value.split(":");
    return chosen().some((side) => article.answers[side][kind === "m" ? "mentions" : "relations"].some((item) => labelsOf(item).includes(label)));
  };

  const plural = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

  const renderList = () => {
    shown = select();
    const list = byId("list");
    list.replaceChildren(...shown.map(({ article, index, wrong, different }) => {
      const facts = chosen().length > 1 ? `${plural(different, "difference")} · errors ${wrong.join(" | ")}` : plural(wrong[0], "error");
      const item = element("button", { type: "button", "data-index": index }, article.title, element("small", {}, facts));
      item.addEventListener("click", () => { show(index); });
      return element("li", {}, item);
    }));
    byId("count").textContent = `${shown.length} of ${plural(articles.length, "article")}`;
    if (!shown.some((row) => row.index === current)) current = shown.length ? shown[0].index : null;
    renderArticle();
  };

  const show = (index) => {
    current = index;
    renderArticle();
    if (matchMedia("(max-width: 800px)").matches) byId("article").scrollIntoView({ block: "start" });
  };
  const step = (by) => {
    const place = shown.findIndex((row) => row.index === current) + by;
    if (place >= 0 && place < shown.length) show(shown[place].index);
  };

  const names = { boundary: "boundary", missed: "missed", spurious: "spurious" };
  const tagText = ([kind, gold, answer]) => {
    if (kind === "label" || kind === "both") return `${gold[2]} → ${answer[2]}${kind === "both" ? ", boundary" : ""}`;
    return `${names[kind]} ${(gold ?? answer)[2]}`;
  };
  const title = ([kind, gold, answer, score], chars) => {
    const said = [gold ? `annotated ${gold[2]} “${chars.slice(gold[0], gold[1]).join("")}”` : "not annotated",
      answer ? `answered ${answer[2]} “${chars.slice(answer[0], answer[1]).join("")}”` : "not answered"];
    if (score !== null) said.push(`score ${score.toFixed(2)}`);
    return `${kind}: ${said.join(", ")}`;
  };

  // The text in pieces that have one annotation and one answer each.
  const renderText = (article, answer) => {
    const cuts = new Set([0, article.chars.length]);
    for (const [, gold, found] of answer.mentions) for (const span of [gold, found]) if (span) { cuts.add(span[0]); cuts.add(span[1]); }
    const edges = [...cuts].sort((a, b) => a - b);
    const box = element("p", { class: "text", lang: "ko" });
    const over = (span, place) => span && span[0] <= place && place < span[1];
    for (let i = 0; i + 1 < edges.length; i += 1) {
      const [start, end] = [edges[i], edges[i + 1]];
      const text = article.chars.slice(start, end).join("");
      const under = answer.mentions.find((item) => over(item[1], start));
      const fill = answer.mentions.find((item) => over(item[2], start));
      if (!under && !fill) { box.append(text); continue; }
      const items = [...new Set([under, fill].filter(Boolean))];
      const style = {};
      if (fill) style["--fill"] = `var(--${fill[2][2]})`;
      if (under) style["--under"] = `var(--${under[1][2]}-line)`;
      const kept = items.some((item) => fits(item, "m"));
      box.append(element("span", { class: kept ? "m" : "m faded", style, title: items.map((item) => title(item, article.chars)).join("\n") }, text));
      for (const item of items) {
        const last = Math.max(item[1]?.[1] ?? 0, item[2]?.[1] ?? 0);
        if (item[0] !== "correct" && end === last && fits(item, "m")) box.append(element("span", { class: "tag" }, tagText(item)));
      }
    }
    return box;
  };

  const chip = (span, article, annotated) => {
    const style = annotated ? { "--fill": "transparent", "--under": `var(--${span[2]}-line)` } : { "--fill": `var(--${span[2]})` };
    return element("span", { class: "chip", style, lang: "ko", title: span[2] }, article.chars.slice(span[0], span[1]).join(""));
  };
  const link = ([type, head, tail], article, annotated) => [
    chip(head, article, annotated), " ", element("span", { class: "arrow" }, data.symmetric.includes(type) ? `↔ ${type} ↔` : `— ${type} →`), " ", chip(tail, article, annotated),
  ];
  const renderRelations = (article, answer) => {
    const items = answer.relations.filter((item) => fits(item, "r") && !(controls.wrong.checked && item[0] === "correct"));
    const ranked = [...items.filter((item) => item[0] !== "correct"), ...items.filter((item) => item[0] === "correct")];
    if (!ranked.length) return element("p", { class: "note" }, "No relations here.");
    const body = element("tbody", {}, ...ranked.map(([kind, gold, found, score]) => {
      const cell = element("td", {}, ...link(found ?? gold, article, !found));
      if (gold && found && kind !== "correct") cell.append(element("span", { class: "was" }, "annotated: ", ...link(gold, article, true)));
      return element("tr", { class: kind === "correct" ? "correct" : "" }, cell,
        element("td", { class: "kind" }, kind), element("td", {}, score === null ? "" : score.toFixed(2)));
    }));
    const head = element("thead", {}, element("tr", {}, ...["relation", "", "score"].map((text) => element("th", { scope: "col" }, text))));
    return element("table", { class: "relations" }, head, body);
  };

  const renderArticle = () => {
    for (const item of byId("list").querySelectorAll("button")) item.setAttribute("aria-current", String(Number(item.dataset.index) === current));
    const box = byId("article");
    if (current === null) { box.replaceChildren(element("p", { class: "note" }, "No article fits the filters.")); return; }
    const article = articles[current];
    const stepper = element("div", { class: "steps" });
    for (const [text, by, label] of [["‹", -1, "Previous article"], ["›", 1, "Next article"]]) {
      const made = element("button", { type: "button", "aria-label": label }, text);
      made.addEventListener("click", () => { step(by); byId("article").querySelector(`[aria-label="${label}"]`)?.focus(); });
      stepper.append(made);
    }
    const panes = element("div", { class: "panes" }, ...chosen().map((side) => {
      const answer = article.answers[side];
      const right = answer.mentions.filter((item) => item[0] === "correct").length;
      const correct = answer.relations.filter((item) => item[0] === "correct").length;
      return element("div", { "data-entrant": side },
        element("h4", {}, data.entrants[side]),
        element("p", { class: "note" }, `mentions: ${right} right, ${answer.mentions.length - right} wrong · relations: ${correct} right, ${answer.relations.length - correct} wrong`),
        renderText(article, answer),
        element("h5", {}, "Relations"),
        renderRelations(article, answer));
    }));
    box.replaceChildren(stepper, element("h3", { lang: "ko" }, article.title), element("p", { class: "note" }, [article.id, article.genre].filter(Boolean).join(" · ")), panes);
  };

  byId("legend").append(...data.labels.map((label) => element("span", { class: "chip", style: { "--fill": `var(--${label})`, "--under": `var(--${label}-line)` } }, label)),
    "fill: answered · line below: annotated · both alike: right · tag: what is wrong");
  byId("filters").addEventListener("input", renderList);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", (event) => { event.preventDefault(); defaults(); renderList(); });
  defaults();
  byId("browser").hidden = false;
  renderList();
})();
