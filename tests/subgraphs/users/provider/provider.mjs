// A real OpenID provider (oidc-provider): PKCE is demanded, people log in on its own pages, refusals are its own.
import Provider from 'oidc-provider';

const [port, callback] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const people = (id) => ({
  sub: id,
  email: `${id.replace('unverified-', '')}@example.com`,
  email_verified: !id.startsWith('unverified-'),
  name: 'Ada Provided',
});
const provider = new Provider(issuer, {
  clients: [{ client_id: 'shop', client_secret: 'shop-secret', redirect_uris: [callback], grant_types: ['authorization_code'] }],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => people(id) }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log(`ready ${issuer}`));
