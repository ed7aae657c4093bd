/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold. */
#include <stdio.h>
#include <stdlib.h>

#include "base/table.h"
#include "tests/fuzz/sig_shard.h"

enum { ASKED_MAX = 512, COPIES = 7 };

/* An INVITE of ours, by its Call-ID. */
struct asked_phone {
	uint64_t hash;
	unsigned copies;
	bool told;
};

static bool g_receiving; /* within shard_receive, the store not away */
static struct asked_phone g_asked[ASKED_MAX];
static uint32_t g_asked_count;
static bool g_lost; /* a restart, or an address that cannot be reached: not everybody can be told */

void check_begin(void)
{
	g_asked_count = 0;
	g_lost = false;
}

void check_receiving(bool on)
{
	g_receiving = on;
}

void check_lost(void)
{
	g_lost = true;
}

void check(bool ok, const char *what, struct bytes text)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s:\n" BYTES_FMT "\n", what, BYTES_ARG(text));
	abort();
}

static struct asked_phone *asked_phone(struct bytes call_id)
{
	static const struct hash_key key = { 1, 2 };
	uint64_t hash = hash_sip(&key, call_id);

	for (uint32_t i = 0; i < g_asked_count; i++) {
		if (g_asked[i].hash == hash)
			return &g_asked[i];
	}
	if (g_asked_count == ASKED_MAX)
		return NULL;
	g_asked[g_asked_count] = (struct asked_phone){ .hash = hash };
	return &g_asked[g_asked_count++];
}

/* What it is told, or answers itself: 200 to its BYE. */
static void note_sent(const struct sip_message *m)
{
	struct asked_phone *a = asked_phone(m->call_id);

	if (!a)
		return;
	if (m->request && m->method == SIP_INVITE)
		a->copies++;
	else if ((m->request && (m->method == SIP_ACK || m->method == SIP_CANCEL)) ||
		 m->method == SIP_BYE)
		a->told = true;
}

void check_told(void)
{
	for (uint32_t i = 0; i < g_asked_count && !g_lost; i++)
		check(g_asked[i].copies == 0 || g_asked[i].told || g_asked[i].copies == COPIES,
		      "a phone was left alone", NOTHING);
}

void check_sent(struct rig *r, const struct effect *e)
{
	struct bytes text;
	struct sip_message m;
	struct message_error error;

	(void)r;
	if (e->kind != EFFECT_SEND)
		return;
	text = text_bytes(&((const struct request_send *)e->request)->data);
	if (message_parse(&m, text, &error)) {
		message_close(&m);
		/* a refusal repeats what was wrong with the request */
		check(bytes_starts(text, "SIP/2.0 400") || bytes_starts(text, "SIP/2.0 505"),
		      error.reason, text);
		return;
	}
	check(m.body.n == rig_body(text).n, "Content-Length", text);
	check(!(g_receiving && m.request && m.method == SIP_INVITE), "INVITE before its save",
	      text);
	check(!(g_receiving && !m.request && m.method == SIP_INVITE && m.status / 100 == 2),
	      "2xx before its save", text);
	note_sent(&m);
	message_close(&m);
}
