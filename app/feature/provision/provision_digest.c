/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digest (RFC 7616) for files of phones, where provision.digest says so. A file has the password of
 * its phone, so the node must know that: it does of a device with a password of its own, which lies
 * sealed, and of a phone that nobody named. They log in by their MAC, or by the name that they were
 * given. An answer in another name is sent to Basic before anything is looked up. A right one
 * becomes the password that it proves, and is judged as if that had come by Basic: guesses have the
 * same limits. Nonces are those of SIP.
 */
#include <stdio.h>
#include <string.h>

#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_settings.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/web/web_route.h"
#include "base/clock.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"

/* Of the tenant, with its realm. NULL: no shard is here. */
static struct shard *digest_shard(const struct node *n, uint16_t tenant,
				  const struct digest_server **server, struct digest_server *space)
{
	uint32_t cursor = 0;
	struct shard *core = node_core_next(n, &cursor);

	if (core)
		*server = shard_digest_server(core, tenant, space);
	return core;
}

void digest_challenges(struct node *n, const struct web_routed *r, uint16_t tenant, bool stale,
		       struct web_route_answer *a)
{
	const struct digest_server *server;
	struct digest_server space;
	char nonce[DIGEST_NONCE_LEN];
	size_t count = 0;

	if (!provision_settings_of(n->settings)->digest ||
	    !digest_shard(n, tenant, &server, &space))
		return;
	static_assert((int)WEB_ROUTE_CHALLENGES >= (int)DIGEST_ALGORITHMS, "one for each");
	digest_nonce_put(nonce, server, &r->peer, clock_utc_ms(), rand_u64_from(&n->rand));
	for (unsigned i = DIGEST_ALGORITHMS; i-- > 0;) {
		struct writer w =
			writer_over(a->challenges[count], sizeof(a->challenges[count]) - 1);

		if (digest_challenge_http(server, &w, (enum digest_algorithm)i, stale, nonce))
			a->challenges[count++][w.n] = '\0';
	}
}

/* RFC 7616 3.4.6: it may be absolute, and escaped as its client likes. */
static bool digest_uri_fits(struct bytes uri, const char *path)
{
	char text[WEB_ROUTE_PATH_MAX];
	size_t n;

	if (bytes_istarts(uri, "http://") || bytes_istarts(uri, "https://")) {
		uri = bytes_from(uri, sizeof("https://") - 1);
		uri = bytes_from(uri, bytes_find(uri, '/'));
	}
	uri = bytes_sub(uri, 0, bytes_find(uri, '?'));
	return !sip_user_unescape(uri, text, sizeof(text), &n) &&
	       bytes_is(bytes_mem(text, n), path);
}

static bool digest_is_right(const struct digest_answer *a, const struct digest_server *server,
			    const struct web_routed *r, const struct digest_secret *secret)
{
	enum digest_verdict verdict = digest_prove_http(a, server, bytes_str(r->method), secret);

	return verdict == DIGEST_OK || verdict == DIGEST_STALE;
}

/* The password that the answer proves goes into r; a wrong one proves "". The name counts as it was
 * said: a MAC may be written otherwise than we do. */
static bool digest_resolve(struct node *n, struct web_routed *r, uint16_t tenant, const char *mac,
			   const struct digest_answer *a, const struct digest_server *server)
{
	char own[PHONE_MAC_LEN + 1], password[DEVICE_PASSWORD_MAX] = "";
	struct digest_secret made;
	uint64_t device, nonce;
	bool bare = bare_name_read(a->c.user, &device, &nonce);

	if (!bare && (!device_mac_read(a->c.user, own) || strcmp(own, mac) != 0))
		return false;
	(void)bytes_cstr(a->c.user, r->user, sizeof(r->user));
	if (bare) /* of a phone that nobody named: it follows from its name */
		bare_secret(n, tenant, a->c.user, password);
	else
		device_password_read(n, tenant, mac, password, sizeof(password));
	digest_secret_make(&made, a->c.user, bytes_str(server->realm), bytes_str(password));
	if (digest_is_right(a, server, r, &made))
		memcpy(r->password, password, sizeof(password));
	explicit_bzero(password, sizeof(password));
	explicit_bzero(&made, sizeof(made));
	return true;
}
static_assert((int)BARE_PASSWORD < (int)DEVICE_PASSWORD_MAX &&
		      (int)DEVICE_PASSWORD_MAX <= (int)WEB_ROUTE_TEXT_MAX,
	      "a password has room");

bool digest_login(struct node *n, struct web_routed *r, uint16_t tenant, const char *mac)
{
	const struct digest_server *server;
	struct digest_server space;
	struct digest_answer a;
	enum digest_verdict verdict;

	if (!digest_shard(n, tenant, &server, &space)) {
		provision_status(r, 503, 1);
		return false;
	}
	verdict = digest_read_http(&a, server, bytes_str(r->digest), &r->peer, clock_utc_ms());
	if (verdict == DIGEST_MISSING || verdict == DIGEST_FOREIGN) /* stale: would ask for ever */
		provision_unauthorized(r, PROVISION_ANY);
	else if (verdict != DIGEST_OK || !digest_uri_fits(a.c.uri, r->path))
		provision_status(r, 400, 0);
	else if (digest_resolve(n, r, tenant, mac, &a, server))
		return true;
	else
		provision_unauthorized(r, PROVISION_BASIC);
	return false;
}

bool digest_is_new(struct node *n, const struct web_routed *r, uint16_t tenant)
{
	const struct digest_server *server;
	struct digest_server space;
	struct digest_answer a;
	uint64_t utc_ms = clock_utc_ms();
	struct shard *core = digest_shard(n, tenant, &server, &space);

	return core &&
	       digest_read_http(&a, server, bytes_str(r->digest), &r->peer, utc_ms) == DIGEST_OK &&
	       !a.old && shard_digest_is_first(core, server, &a, utc_ms);
}
