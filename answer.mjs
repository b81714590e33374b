// The gateway's own answers, as src/gateway/plan.rs tells them.

/** The first letter of an answer; `T`: with the headers that all answers of a type have. */
const ANSWER = 80; // P
const ANSWER_OF_TYPE = 84; // T

/** Whether a plan is an answer. */
export const isAnswer = (plan) => plan.charCodeAt(0) === ANSWER || plan.charCodeAt(0) === ANSWER_OF_TYPE;
/** The headers that all answers of a type have. */
const templates = new Map();

/** `(P | T)<status> LF (<name>,<value> LF)* LF <body>` as a response. */
export function answer(plan) {
  const from = plan.indexOf("\n") + 1;
  const end = plan.indexOf("\n\n", from - 1);
  const block = plan.slice(from, end);
  let headers = templates.get(block);
  if (headers === undefined) {
    headers = new Headers();
    for (const pair of block.split("\n")) {
      const comma = pair.indexOf(",");
      headers.append(pair.slice(0, comma), pair.slice(comma + 1));
    }
    if (plan.charCodeAt(0) === ANSWER_OF_TYPE) templates.set(block, headers);
  }
  return new Response(plan.slice(end + 2) || null, { status: Number(plan.slice(1, from - 1)), headers });
}
