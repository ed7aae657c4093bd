/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/webrtc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "bench/load/srtp.h"
#include "bench/stun_ask.h"
#include "engine/dtls/certificate.h"
#include "engine/dtls/dtls.h"
#include "media/stun/stun.h"

enum {
	CREDENTIAL_MAX = 64,
	CHECK_ROOM = 256,
	PRIORITY = 0x6e7f1eff,
	ROLE_CONFLICT = 487,
};

#define FIRST_CHECKS_NS (100 * NS_PER_MS)
#define CONSENT_NS      (5 * NS_PER_S)
#define SETTLED_NS      (300 * NS_PER_MS) /* then the server has the keys, too */

struct load_webrtc {
	int fd;
	struct addr server;
	uint64_t begin_ns, check_ns, keyed_ns;
	bool ice, controls, checked, open;
	char our_ufrag[CREDENTIAL_MAX], our_pwd[CREDENTIAL_MAX];
	char ufrag[CREDENTIAL_MAX], pwd[CREDENTIAL_MAX]; /* of the server */
	enum media_dtls_role role;
	struct media_fingerprint peer;
	struct dtls dtls;
	struct load_srtp *srtp;
};

static struct dtls_context *g_context;
static uint32_t g_checks;

bool load_webrtc_identity(const char *path, uint64_t utc_ms)
{
	struct certificate c;

	if (certificate_open(&c, path, utc_ms))
		return false;

	bool made = dtls_context_open(&g_context, &c) == 0;

	certificate_close(&c);
	return made;
}

/* ---- opening ---- */

static bool word_take(struct bytes *rest, char out[CREDENTIAL_MAX])
{
	struct bytes word;

	if (!bytes_cut(rest, ',', &word)) {
		word = *rest;
		*rest = (struct bytes){ 0 };
	}
	return word.n > 0 && bytes_cstr(word, out, CREDENTIAL_MAX) == 0;
}

static bool ice_read(struct load_webrtc *w, const char *text)
{
	struct bytes rest = bytes_str(text);
	char kind[CREDENTIAL_MAX];

	w->ice = strcmp(text, "-") != 0;
	if (!w->ice)
		return true;
	if (!word_take(&rest, kind) || !word_take(&rest, w->our_ufrag) ||
	    !word_take(&rest, w->our_pwd) || !word_take(&rest, w->ufrag) ||
	    !word_take(&rest, w->pwd))
		return false;
	w->controls = strcmp(kind, "lite") == 0; /* RFC 8445 6.1.1 */
	return true;
}

static bool dtls_read(struct load_webrtc *w, const char *text)
{
	struct bytes rest = bytes_str(text);
	char role[CREDENTIAL_MAX];
	size_t n = 0;

	if (!word_take(&rest, role) ||
	    hex_decode(rest, w->peer.octets, sizeof(w->peer.octets), &n) || n != 32)
		return false;
	w->role = strcmp(role, "client") == 0 ? DTLS_CLIENT : DTLS_SERVER;
	w->peer.hash = MEDIA_HASH_SHA256;
	return true;
}

struct load_webrtc *load_webrtc_open(const char *ice, const char *dtls, int fd,
				     const struct addr *server, uint64_t begin_ns)
{
	struct load_webrtc *w = calloc(1, sizeof(*w));

	if (!w || !g_context || !ice_read(w, ice) || !dtls_read(w, dtls)) {
		free(w);
		return NULL;
	}
	w->fd = fd;
	w->server = *server;
	w->begin_ns = w->check_ns = begin_ns;
	return w;
}

/* ---- ICE ---- */

static void wire_send(const struct load_webrtc *w, const uint8_t *p, size_t n)
{
	(void)send(w->fd, p, n, MSG_DONTWAIT); /* what is lost comes again */
}

static void check_send(struct load_webrtc *w)
{
	uint8_t out[CHECK_ROOM], transaction[STUN_TRANSACTION_LEN] = "load";
	struct writer m = writer_over(out, sizeof(out));
	char username[2 * CREDENTIAL_MAX];
	struct writer name = writer_over((uint8_t *)username, sizeof(username));

	writer_str(&name, w->ufrag);
	writer_str(&name, ":");
	writer_str(&name, w->our_ufrag);
	be32_put(transaction + 8, g_checks++);
	stun_start(&m, STUN_BINDING_REQUEST, bytes_mem(transaction, sizeof(transaction)));
	stun_put_username(&m, writer_done(&name));
	stun_put_priority(&m, PRIORITY);
	stun_put_role(&m, w->controls, 4711);
	if (w->controls)
		stun_put_use_candidate(&m);
	stun_put_integrity(&m, bytes_str(w->pwd));
	stun_put_fingerprint(&m);
	wire_send(w, out, m.n);
}

/* A server that is not lite checks us as well. */
static void check_answer(struct load_webrtc *w, const struct stun_message *request)
{
	uint8_t out[CHECK_ROOM];
	struct writer m = writer_over(out, sizeof(out));

	if (!stun_is_authentic(request, bytes_str(w->our_pwd)))
		return;
	stun_start(&m, STUN_BINDING_SUCCESS, request->transaction);
	stun_put_mapped(&m, &w->server);
	stun_put_integrity(&m, bytes_str(w->our_pwd));
	stun_put_fingerprint(&m);
	wire_send(w, out, m.n);
}

static void stun_receive(struct load_webrtc *w, struct bytes datagram)
{
	struct stun_message m;

	if (!w->ice || stun_parse(&m, datagram))
		return;
	if (m.type == STUN_BINDING_REQUEST)
		check_answer(w, &m);
	else if (m.type == STUN_BINDING_SUCCESS && stun_is_authentic(&m, bytes_str(w->pwd)))
		w->checked = true;
	else if (m.error == ROLE_CONFLICT)
		w->controls = !w->controls;
}

/* ---- DTLS ---- */

static void dtls_flush(struct load_webrtc *w, uint64_t now_ns)
{
	uint8_t out[DTLS_MTU];
	uint16_t n;

	while ((n = dtls_output(&w->dtls, out)) > 0)
		wire_send(w, out, n);
	if (w->dtls.outcome != DTLS_DONE || w->srtp)
		return;
	w->srtp = load_srtp_open_keys(&w->dtls.key_out, &w->dtls.key_in);
	w->keyed_ns = now_ns;
}

static bool dtls_begin(struct load_webrtc *w, uint64_t now_ns)
{
	if (!w->open && now_ns >= w->begin_ns && (w->checked || !w->ice))
		w->open = dtls_open(&w->dtls, g_context, w->role, &w->peer, now_ns) == 0;
	return w->open;
}

/* A broken one is begun again, as a patient party would. */
static void dtls_step(struct load_webrtc *w, uint64_t now_ns)
{
	if (!dtls_begin(w, now_ns))
		return;
	if (now_ns >= dtls_next_ns(&w->dtls, now_ns))
		(void)dtls_expire(&w->dtls, now_ns);
	dtls_flush(w, now_ns);
	if (w->dtls.outcome != DTLS_BROKEN)
		return;
	dtls_close(&w->dtls);
	w->open = false;
	w->begin_ns = now_ns + NS_PER_S;
}

/* ---- */

bool load_webrtc_receive(struct load_webrtc *w, const uint8_t *p, size_t n, uint64_t now_ns)
{
	if (n == 0 || p[0] >= 64) /* RFC 7983 */
		return false;
	if (p[0] < 20)
		stun_receive(w, bytes_mem(p, n));
	else if (dtls_begin(w, now_ns))
		(void)dtls_receive(&w->dtls, bytes_mem(p, n), now_ns);
	dtls_step(w, now_ns);
	return true;
}

void load_webrtc_tick(struct load_webrtc *w, uint64_t now_ns)
{
	if (w->ice && now_ns >= w->check_ns) {
		w->check_ns = now_ns + (w->checked ? CONSENT_NS : FIRST_CHECKS_NS);
		check_send(w);
	}
	dtls_step(w, now_ns);
}

struct load_srtp *load_webrtc_srtp(struct load_webrtc *w, uint64_t now_ns)
{
	return w->srtp && now_ns - w->keyed_ns >= SETTLED_NS ? w->srtp : NULL;
}
