// A certified OpenID provider (npm oidc-provider) as hospitals have one: PKCE demanded, one confidential client, its own
// sign-in form. `node provider.mjs PORT CALLBACK`; says READY when it listens.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [port, callback, modules] = process.argv.slice(2);
const entry = createRequire(`${modules}/`).resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(entry));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: "hemoview",
    client_secret: "a-secret-of-the-test",
    redirect_uris: [callback],
    response_types: ["code"],
    grant_types: ["authorization_code"],
  }],
  pkce: { required: () => true },
  cookies: { keys: ["only-for-tests"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, role: "admin" }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("READY"));
