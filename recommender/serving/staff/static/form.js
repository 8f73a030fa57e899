"use strict";
// Adds to the form of a new request: only questions that apply are shown, and each group of ticks is
// one stop of the Tab key. Without script every question is there, with the answer it depends on.
const form = document.getElementById("intake");
form.classList.add("scripted");

// A question that does not apply is hidden and not sent; what was typed in it stays in the page.
const conditional = [...form.querySelectorAll("[data-when]")];
const answersTo = (name) =>
  [...form.querySelectorAll(`[name="${name}"]`)]
    .filter((each) => !each.disabled && (!["checkbox", "radio"].includes(each.type) || each.checked))
    .map((each) => each.value)
    .filter(Boolean);
const applies = (question) => {
  const given = answersTo(question.dataset.when);
  if (question.dataset.below) {
    return given.some((each) => Number(each) < Number(question.dataset.below));
  }
  const levels = question.dataset.has.split(" ");
  return given.some((each) => levels.includes(each));
};
const showApplying = () => {
  for (const question of conditional) {
    question.hidden = !applies(question);
    for (const each of question.querySelectorAll("input, select")) {
      each.disabled = question.hidden;
    }
  }
};
form.addEventListener("input", showApplying);
form.addEventListener("change", showApplying);
showApplying();

// Arrow keys or a letter move among the ticks of a group; of a week, up and down move by a day.
for (const group of form.querySelectorAll(".options, .names, .week")) {
  const boxes = [...group.querySelectorAll('input[type="checkbox"]')];
  const inSight = () => boxes.filter((each) => !each.closest("[hidden]"));
  const across = group.classList.contains("week") ? group.querySelectorAll(".day:first-child > *").length - 1 : 1;
  let last = boxes.find((each) => each.checked);
  const settle = () => {
    const shown = inSight();
    const stop = shown.includes(last) ? last : shown[0];
    for (const each of boxes) {
      each.tabIndex = each === stop ? 0 : -1;
    }
  };
  const target = (event, at) => {
    const shown = inSight();
    const place = shown.indexOf(at);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (step) {
      return shown[place + step];
    }
    if (event.key === "Home" || event.key === "End") {
      return event.key === "Home" ? shown[0] : shown[shown.length - 1];
    }
    if (event.key.length !== 1 || event.key === " " || event.ctrlKey || event.altKey || event.metaKey) {
      return undefined;
    }
    const after = [...shown.slice(place + 1), ...shown.slice(0, place + 1)];
    return after.find((each) => each.parentElement.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()));
  };
  group.addEventListener("keydown", (event) => {
    const next = boxes.includes(event.target) ? target(event, event.target) : undefined;
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
  group.addEventListener("focusin", (event) => {
    if (boxes.includes(event.target)) {
      last = event.target;
      settle();
    }
  });
  group.closest(".entry").addEventListener("input", settle);
  settle();
}

// How many fit so far. The form must never go away: when the session has ended, the answers stay.
const fits = document.getElementById("fits");
let counting = new AbortController();
const sendForm = (address, options) =>
  fetch(address, {
    method: "POST",
    headers: { "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(new FormData(form)).toString(),
    ...options,
  });
const count = async () => {
  counting.abort();
  counting = new AbortController();
  const answer = await sendForm(fits.dataset.post, { signal: counting.signal });
  if (answer.status !== 200) {
    fits.textContent = answer.headers.has("hx-redirect") ? form.dataset.signedOut : "";
    return;
  }
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  for (const times of found.querySelectorAll("[data-id]")) {
    document.getElementById(times.dataset.id).textContent = times.textContent;
    times.remove();
  }
  fits.replaceChildren(...found.childNodes);
};
const showCount = () =>
  count().catch((error) => {
    // A later count takes the place of one that was not finished.
    if (error.name !== "AbortError") {
      fits.textContent = "";
    }
  });
let countLater = 0;
form.addEventListener("input", () => {
  clearTimeout(countLater);
  countLater = setTimeout(showCount, 400);
});
showCount();
