import type { Row } from "./rows.js";
import type { ShapeRow } from "./shapes.js";

type Column<R = Row> = readonly [title: string, cell: (row: R) => string];

const number = (value: number | null, digits: number): string =>
  value === null
    ? "–"
    : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

const SHARED: readonly Column[] = [["subject", ({ subject }) => subject]];

const LOADED: readonly Column[] = [
  ["in flight", ({ in_flight, offered }) => (in_flight === null ? `${offered}/s offered` : String(in_flight))],
  [
    "per second",
    ({ rate, rate_min, rate_max }) => `${number(rate, 0)} (${number(rate_min, 0)}–${number(rate_max, 0)})`,
  ],
  ["ack p50 ms", ({ p50_ms }) => number(p50_ms, 2)],
  ["p99", ({ p99_ms }) => number(p99_ms, 2)],
  ["delivery p50", ({ deliver_p50_ms }) => number(deliver_p50_ms, 2)],
  ["p99", ({ deliver_p99_ms }) => number(deliver_p99_ms, 2)],
  ["server µs", ({ cpu_us }) => number(cpu_us, 1)],
];

const NOTES: readonly Column[] = [
  [
    "generator",
    ({ generator_share, generator_saturated }) =>
      `${number(generator_share * 100, 0)} %${generator_saturated ? " SATURATED" : ""}`,
  ],
  ["rejected", ({ rejected, noisy }) => `${rejected}${noisy > 0 ? `, ${noisy} kept NOISY` : ""}`],
];

function columnsOf(rows: readonly Row[]): Column[] {
  const first = rows[0];
  const ratios = Object.keys(first?.ratios ?? {})
    .slice(0, -1)
    .map((name): Column => [`× ${name}`, ({ ratios }) => number(ratios[name] ?? null, 2)]);
  if (first?.bench === "idle") {
    const bytes: Column = ["bytes a connection", ({ bytes_per_connection }) => number(bytes_per_connection, 0)];
    return [...SHARED, ["connections", ({ connections }) => number(connections, 0)], bytes, ...ratios];
  }
  const places: Column = [first?.bench === "broadcast" ? "groups" : "pairs", ({ pairs }) => number(pairs, 0)];
  return [...SHARED, places, ...LOADED, ...ratios, ...NOTES];
}

const SHAPE: readonly Column<ShapeRow>[] = [
  ["subject", ({ subject }) => subject],
  ["gateway+messages+delivery", ({ layout }) => `${layout.gateway}+${layout.messages}+${layout.delivery}`],
  ["pairs", ({ pairs }) => String(pairs)],
  ["in flight", ({ in_flight, offered }) => (in_flight === null ? `${offered}/s offered` : String(in_flight))],
  ["per second", ({ rate }) => number(rate, 0)],
  ["ack p50 ms", ({ p50_ms }) => number(p50_ms, 1)],
  ["p99", ({ p99_ms }) => number(p99_ms, 1)],
  ["delivery p50", ({ deliver_p50_ms }) => number(deliver_p50_ms, 1)],
  ["p99", ({ deliver_p99_ms }) => number(deliver_p99_ms, 1)],
  ["µs gateway", ({ cpu_us }) => number(cpu_us.gateway, 0)],
  ["messages", ({ cpu_us }) => number(cpu_us.messages, 0)],
  ["delivery", ({ cpu_us }) => number(cpu_us.delivery, 0)],
  ["services", ({ cpu_us }) => number(cpu_us.services, 0)],
];

/** The rows as a table for people. */
export function table(rows: readonly Row[]): string {
  return tableOf(columnsOf(rows), rows);
}

export function shapesTable(rows: readonly ShapeRow[]): string {
  return tableOf(SHAPE, rows);
}

function tableOf<R>(columns: readonly Column<R>[], rows: readonly R[]): string {
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
    )
    .join("\n");
}

/** The rows for programs: one object a line. */
export function jsonLines(rows: readonly (Row | ShapeRow)[]): string {
  return rows.map((row) => JSON.stringify(row)).join("\n");
}
