// Ask `suppress serve` before you send. Needs Node 18 or later, and no package.
//
//   SERVICE=http://127.0.0.1:8090 node serve_client.mjs +14155552671 +14155552672

import process from "node:process";
import { fileURLToPath } from "node:url";

const SERVICE = process.env.SERVICE ?? "http://127.0.0.1:8090";
const TOKEN = process.env.SUPPRESS_SERVE_TOKEN;

async function post(path, body, type = "application/json") {
  const headers = { "Content-Type": type };
  if (TOKEN) headers.Authorization = `Bearer ${TOKEN}`;
  const answer = await fetch(SERVICE + path, { method: "POST", headers, body });
  if (!answer.ok) {
    // Whatever went wrong: nothing is sent.
    const problem = await answer.json().catch(() => ({}));
    const error = new Error(problem.detail ?? `The service answered ${answer.status}.`);
    error.retryable = problem.retryable ?? answer.status >= 500;
    throw error;
  }
  return answer;
}

/** Return the number to send to, or null if nothing may be sent. */
export async function check(number, channel) {
  const answer = await post("/check", JSON.stringify({ number, channel }));
  const { outcome, e164 } = await answer.json();
  return outcome === "allowed" ? e164 : null;
}

/** Return the allowed ones of many recipients, as they were passed in. */
export async function filter(recipients, channel, key) {
  const query = new URLSearchParams({ channel, key, outcome: "allowed" });
  const lines = recipients.map((each) => JSON.stringify(each)).join("\n");
  const answer = await post(`/screen?${query}`, lines, "application/x-ndjson");
  const text = await answer.text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line).recipient);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const numbers = process.argv.slice(2);
  for (const number of numbers) {
    const to = await check(number, "sms");
    console.log(to === null ? `not to ${number}` : `to ${to}`);
  }
  const people = numbers.map((phone, place) => ({ id: place + 1, phone }));
  console.log(JSON.stringify(await filter(people, "sms", "phone")));
}
