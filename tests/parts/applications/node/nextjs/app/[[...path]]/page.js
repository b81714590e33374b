import { headers } from "next/headers";
import { redirect } from "next/navigation";
async function send(data) {
  "use server";
  redirect(`?taken=${data.get("word")}`);
}
export default async function Page({ searchParams }) {
  const { taken } = await searchParams;
  const host = (await headers()).get("x-forwarded-host");
  return <><h1>{taken ? `Taken: ${taken}` : host}</h1><form action={send}><input name="word" defaultValue="hello" /><button>Send</button></form></>;
}
