"use strict";
/* What all parts of the page share: the data, elements, figures, colours. */
const data = JSON.parse(document.getElementById("data").textContent);
const svgSpace = document.getElementById("wires").namespaceURI;
const byId = id => document.getElementById(id);

/** An element with attributes and children; text is never taken for markup. */
function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

/** Three digits; a dash for what was not measured. */
function figure(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 9999.5) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

const seconds = value => value === null ? "no limit" : figure(value) + " s";
/** A decimal where a whole number would say all or nothing. */
function percent(value) {
  if (value === null) return "–";
  if (value > 0 && value < 0.0005) return "< 0.1 %";
  return (100 * value).toFixed(value > 0 && value < 0.0995 || value > 0.9895 && value < 1 ? 1 : 0) + " %";
}

const gigabytes = bytes => figure(bytes / 1e9) + " GB";
const speed = link => figure(link.bytesPerSecond / 1e6) + " MB/s";
const medium = link => link.medium ? link.medium + ", shared" : "switched";

/** A strategy's colour is its family's; variants differ in their dashes. */
function colour(strategy) {
  const families = ["adaptive", "e2llm", "replicas", "single-pipeline", "splitwise"];
  const family = families.find(name => strategy.strategy.startsWith(name)) || "other";
  return "var(--s-" + family + ")";
}

const dashes = ["", "6 3", "2 3", "9 3 2 3", "1 2.5", "12 3", "4 2 1 2", "8 5", "3 5", "10 2 2 2 2 2"];
function dash(strategy) {
  const family = data.strategies.filter(other => colour(other) === colour(strategy));
  return dashes[family.indexOf(strategy) % dashes.length];
}

/** Buttons of which one is pressed. */
function picker(parent, names, pick) {
  const buttons = names.map((name, i) => el("button", {
    type: "button", "aria-pressed": String(i === 0), onclick: () => {
      buttons.forEach((button, j) => button.setAttribute("aria-pressed", String(i === j)));
      pick(i);
    }
  }, name));
  if (names.length > 1) parent.append(...buttons);
  pick(0);
}

(function head() {
  const first = data.strategies[0];
  const mean = Math.round(data.meanPrompt) + " tokens in and " + Math.round(data.meanOutput) + " out";
  byId("kicker").textContent = "Plan by " + first.name + (data.strategies.length > 1 ? ", beside " + (data.strategies.length - 1) + " others" : "");
  byId("lede").textContent =
    data.shape.name + " " + data.shape.quantization + " (" + data.shape.layers + " layers, " + gigabytes(data.shape.bytes) + ") on " +
    data.devices.length + " devices. Requests of the workload " + data.workload + " have " + mean + " on the mean; at load " + data.load +
    ", " + figure(data.rate) + " of them arrive per second" + (data.replay ? ", in recorded bursts." : ".");
  const facts = [
    ["End to end, mean", seconds(first.metrics.e2e.mean), "p90 " + seconds(first.metrics.e2e.p90)],
    ["Wait, mean", seconds(first.metrics.wait.mean), "p90 " + seconds(first.metrics.wait.p90)],
    ["First token, mean", seconds(first.metrics.ttft.mean), "p90 " + seconds(first.metrics.ttft.p90)],
    ["Per token, mean", seconds(first.metrics.tpot.mean), "p90 " + seconds(first.metrics.tpot.p90)],
    ["Goodput", percent(first.goodput), "at most " + percent(data.goodputBound) + " is possible"],
    ["Saturated", figure(first.throughput) + "/s", "requests; load 1 is " + figure(data.lambda1) + "/s"]
  ];
  byId("facts").append(...facts.map(([name, value, more]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value, el("small", {}, more)))));
})();
