/** As much of a browser as a login needs: cookies by host and port, redirects one by one, forms. */
export interface Browser {
  readonly cookies: Map<string, string>;
  get(url: string, headers?: Record<string, string>): Promise<Visit>;
  post(url: string, form: Record<string, string>): Promise<Visit>;
  /** Follows redirects until there is none, or one that `stop` is true of. */
  follow(visit: Visit, stop: (url: string) => boolean): Promise<Visit>;
}

export interface Visit {
  readonly url: string;
  readonly status: number;
  readonly location: string | undefined;
  readonly setCookie: readonly string[];
  readonly text: string;
}

export function createBrowser(): Browser {
  const cookies = new Map<string, string>();
  const visit = async (url: string, init: RequestInit, headers: Record<string, string>): Promise<Visit> => {
    const { host } = new URL(url);
    const own = [...cookies].filter(([name]) => name.startsWith(`${host} `));
    const cookie = own.map(([name, value]) => `${name.slice(host.length + 1)}=${value}`).join('; ');
    const sent = { ...(cookie === '' ? {} : { cookie }), ...headers };
    const response = await fetch(url, { ...init, redirect: 'manual', headers: sent });
    const setCookie = response.headers.getSetCookie();
    for (const one of setCookie) keep(cookies, host, one);
    const location = response.headers.get('location');
    return {
      url,
      status: response.status,
      location: location === null ? undefined : new URL(location, url).href,
      setCookie,
      text: await response.text(),
    };
  };
  const browser: Browser = {
    cookies,
    get: (url, headers = {}) => visit(url, {}, headers),
    post: (url, form) => {
      const body = new URLSearchParams(form).toString();
      return visit(url, { method: 'POST', body }, { 'content-type': 'application/x-www-form-urlencoded' });
    },
    follow: async (from, stop) => {
      let at = from;
      while (at.location !== undefined && !stop(at.location)) at = await browser.get(at.location);
      return at;
    },
  };
  return browser;
}

function keep(cookies: Map<string, string>, host: string, text: string): void {
  const [pair = ''] = text.split(';');
  const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
  if (value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(text)) cookies.delete(`${host} ${name}`);
  else cookies.set(`${host} ${name}`, value);
}

/** Logs in at the provider of the tests, up to the redirect back to us, which is not followed yet. */
export async function logInAtProvider(browser: Browser, start: string, name: string): Promise<string> {
  const isBack = (url: string) => url.includes('/talos/v1/rbac/callback');
  let at = await browser.follow(await browser.get(start), isBack);
  for (let step = 0; step < 4 && at.location === undefined; step += 1) {
    const prompt = /name="prompt" value="(\w+)"/.exec(at.text)?.[1] ?? 'login';
    const action = /action="([^"]+)"/.exec(at.text)?.[1] ?? at.url;
    const form = prompt === 'login' ? { prompt, login: name, password: 'x' } : { prompt };
    at = await browser.follow(await browser.post(new URL(action, at.url).href, form), isBack);
  }
  if (at.location === undefined) throw new Error(`the provider did not send the browser back: ${at.text}`);
  return at.location;
}
