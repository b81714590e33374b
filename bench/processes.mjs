// What the kernel says of processes: processor time, memory, and what the rest of the machine does. Linux alone says so.
import { readFileSync } from "node:fs";

/** Microseconds of a clock tick; /proc has a hundred of them a second. */
const TICK = 10_000;

/** Microseconds of processor time that a process has had. */
export function cpu(pid) {
  // The command in parentheses may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

/** Bytes that a process has in memory. */
export function memory(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}

/** Microseconds that all cores together were busy. */
export function busy() {
  const [user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split("\n")[0].split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * TICK;
}

/** Watches the cores: the result says how many of them were busy with other processes than `pids` since the call. */
export function watchOthers(pids) {
  const all = () => busy() - pids.reduce((sum, pid) => sum + cpu(pid), 0);
  const [before, began] = [all(), performance.now()];
  return () => Math.max(0, (all() - before) / ((performance.now() - began) * 1000));
}
