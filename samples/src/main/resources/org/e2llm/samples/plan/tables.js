/* The figures behind the drawings. */
(function tables() {
  const metrics = ["queue", "handoff", "admission", "wait", "ttft", "tpot", "e2e"];
  const statistics = ["mean", "p50", "p90", "p99"];
  const parts = ["queue", "handoff", "admission"]; // of the wait: none is good by itself

  function table(heads, rows) {
    return el("table", {},
      el("thead", {}, el("tr", {}, ...heads.map(head => el("th", {scope: "col", class: head.text ? "text" : null}, head.name || head)))),
      el("tbody", {}, ...rows.map(cells => el("tr", {}, ...cells))));
  }

  /** A name may break before its variant. */
  function label(strategy) {
    const [first, ...more] = strategy.name.split(/(?=[:+@])/);
    const dot = el("span", {class: "dot", style: "background:" + colour(strategy)});
    return el("th", {scope: "row"}, el("span", {class: "name"}, dot, first), ...more.flatMap(part => [el("wbr"), part]));
  }

  /** A column in which the best value stands out. */
  function column(values, text, most, mark = true) {
    const known = values.filter(value => value !== null);
    const best = known.length < 2 || !mark ? null : most ? Math.max(...known) : Math.min(...known);
    return values.map(value => el("td", {class: value !== null && value === best ? "best" : null}, text(value)));
  }

  function byRows(columns) {
    return data.strategies.map((strategy, i) => [label(strategy), ...columns.map(cells => cells[i])]);
  }

  picker(byId("statistic-picker"), statistics, i => {
    const statistic = statistics[i];
    const columns = [
      data.strategies.map(strategy => el("td", {class: "text"}, strategy.router)),
      ...metrics.map(metric => column(data.strategies.map(strategy => strategy.metrics[metric][statistic]), figure, false, !parts.includes(metric))),
      column(data.strategies.map(strategy => strategy.goodput), percent, true),
      column(data.strategies.map(strategy => strategy.throughput), figure, true)
    ];
    byId("metrics-table").replaceChildren(
      table(["strategy", {name: "router", text: true}, ...metrics, "goodput", "requests/s"], byRows(columns)));
  });

  byId("metrics-note").textContent =
    "Seconds. queue: arrival to first prefill step; handoff: moving the KV cache; admission: from there to the first decode step; wait: all three. " +
    "ttft: arrival to first token; tpot: per token after it; e2e: arrival to last token. Goodput is inside the SLO, at most " +
    percent(data.goodputBound) + "; requests/s is the saturated throughput. The first tenth of the requests does not count." +
    (data.clipped > 0 ? " " + percent(data.clipped) + " of the recorded prompts were clipped to 8192 tokens." : "");

  const loads = data.strategies[0].sweep.map(point => point.load);
  const blocks = [
    ["wait", point => point.wait.mean, figure, false],
    ["e2e", point => point.e2e.mean, figure, false],
    ["goodput", point => point.goodput, percent, true]
  ];
  byId("sweep-table").append(table(
    ["strategy", ...blocks.flatMap(([name]) => loads.map(load => name + " " + load))],
    byRows(blocks.flatMap(([, value, text, most]) =>
      loads.map((load, i) => column(data.strategies.map(strategy => value(strategy.sweep[i])), text, most))))));

  const numbers = device => [device.prefillFlops / 1e12, device.memoryBandwidth / 1e9, device.memoryBytes / 1e9];
  byId("fleet-table").append(table(
    ["device", {name: "name", text: true}, "TFLOP/s", "memory GB/s", "memory GB", "network MB/s", {name: "medium", text: true}],
    data.devices.map(device => [
      el("th", {scope: "row"}, device.id),
      el("td", {class: "text"}, device.name),
      ...numbers(device).map(value => el("td", {}, figure(value))),
      el("td", {}, figure(device.nicBytesPerSecond / 1e6)),
      el("td", {class: "text"}, device.medium ? device.medium + ", shared" : "switched")])));

  byId("footer").append(
    el("p", {}, el("code", {}, data.command)),
    el("p", {}, "Simulated with the serving policies of the live system. The same command gives the same page."));
})();
