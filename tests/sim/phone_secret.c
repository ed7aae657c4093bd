/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords, and what a phone answers to a challenge (RFC 7616 3.4). */
#include <stdio.h>
#include <string.h>

#include "sig/sip/digest.h"
#include "sig/sip/uri.h"
#include "tests/sim/outside.h"
#include "tests/sim/sim.h"
#include "tests/sim/story.h"

#define PASSWORD "secret"

enum { SECRETS = 4 * EXTENSIONS_MAX }; /* in two realms, with and without location */

void phone_secret(const char *number, struct digest_secret *out)
{
	/* the same in every run, and slow to make */
	static struct {
		const char *realm;
		char number[PHONE_NAME_MAX];
		struct digest_secret secret;
	} known[SECRETS];

	for (size_t i = 0; i < SECRETS; i++) {
		if (known[i].number[0] == '\0') {
			digest_secret_make(&known[i].secret, bytes_str(number),
					   bytes_str(g_sim_domain), bytes_str(PASSWORD));
			known[i].realm = g_sim_domain;
			(void)snprintf(known[i].number, sizeof(known[i].number), "%s", number);
		}
		if (strcmp(known[i].number, number) == 0 &&
		    strcmp(known[i].realm, g_sim_domain) == 0) {
			*out = known[i].secret;
			return;
		}
	}
	digest_secret_make(out, bytes_str(number), bytes_str(g_sim_domain), bytes_str(PASSWORD));
}

static bool quoted(struct bytes line, const char *name, struct bytes *value)
{
	const uint8_t *at = memmem(line.p, line.n, name, strlen(name));

	if (!at)
		return false;
	*value = bytes_from(line, (size_t)(at - line.p) + strlen(name));
	*value = bytes_sub(*value, 0, bytes_find(*value, '"'));
	return value->n != 0;
}

void phone_located_name(const char *number, char out[PHONE_NAME_MAX])
{
	struct writer w = writer_over(out, PHONE_NAME_MAX - 1);

	located_user_write(&w, bytes_str(number), OUTSIDE_LOCATION);
	out[w.n] = '\0';
}

/* With its location, where it stands at one. */
static const char *name_of(const struct sim *s, const struct phone *p, char space[PHONE_NAME_MAX])
{
	if (!s->script || !(s->script->located >> p->index & 1))
		return p->user;
	phone_located_name(p->user, space);
	return space;
}

const char *phone_credentials(const struct sim *s, const struct phone *p,
			      const struct sip_message *challenge, const char *method,
			      const char *uri, char out[1024])
{
	bool proxy = challenge->status == 407;
	char space[PHONE_NAME_MAX];
	const char *name = name_of(s, p, space);
	struct digest_text ha1, ha2, response;
	struct bytes line, nonce;

	out[0] = '\0';
	if (!message_header(challenge, proxy ? "Proxy-Authenticate" : "WWW-Authenticate", 0,
			    &line) ||
	    !quoted(line, "nonce=\"", &nonce))
		return out;
	{
		struct bytes a1[] = { bytes_str(name), bytes_str(g_sim_domain),
				      BYTES_LIT(PASSWORD) };
		struct bytes a2[] = { bytes_str(method), bytes_str(uri) };
		bool ok = digest_hash_text(DIGEST_MD5, a1, 3, &ha1) &&
			  digest_hash_text(DIGEST_MD5, a2, 2, &ha2);
		struct bytes parts[] = { digest_text_bytes(&ha1), nonce,
					 BYTES_LIT("00000001"),   BYTES_LIT("c0ffee"),
					 BYTES_LIT("auth"),       digest_text_bytes(&ha2) };

		if (!ok || !digest_hash_text(DIGEST_MD5, parts, 6, &response))
			return out;
	}
	(void)snprintf(out, 1024,
		       "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"" BYTES_FMT
		       "\", uri=\"%s\", response=\"%.*s\", algorithm=MD5, qop=auth, nc=00000001, "
		       "cnonce=\"c0ffee\"\r\n",
		       proxy ? "Proxy-Authorization" : "Authorization", name, g_sim_domain,
		       BYTES_ARG(nonce), uri, (int)response.n, response.p);
	return out;
}
