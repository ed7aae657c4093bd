/* SPDX-License-Identifier: Apache-2.0 */
/* Ties traces (app/watch/watch.h) and the newest SIP messages to the node: each message that the
 * transport passes is copied to them by node_on_passed. A trace begins with the remembered messages
 * of its call, so that a reader of the file finds the SDP in force. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_watch.h"
#include "app/settings/settings.h"
#include "app/watch/watch.h"
#include "base/log.h"

/* Beginning of a trace: the remembered messages of the call, and the SDP in force, so that a reader
 * of the file finds the streams. If that SDP is not in the messages, or its media is decrypted, an
 * INVITE and its answer are made up for it. */

enum {
	MESSAGES = 200,
	PAST_OCTETS = 1 << 20,
	MADE_MAX = 65536,
	LEGS = 32 /* as many as a call may have */
};

struct past {
	struct node *n;
	struct watch_past message; /* call and decrypted */
	struct recent_choice choice;
	uint64_t below; /* serials from here on are not of the past */
};

static bool is_past(const struct past *p, const struct recent_message *m)
{
	return m->serial < p->below && recent_is_chosen(&p->choice, m);
}

static void messages_put(struct past *p)
{
	uint32_t skip = recent_surplus(&p->n->watch->recent, &p->choice, MESSAGES, PAST_OCTETS);
	struct watch_past put = p->message;
	struct recent_cursor cursor = { 0 };
	struct recent_message m;

	while (recent_next(&p->n->watch->recent, &cursor, &m)) {
		if (!is_past(p, &m))
			continue;
		if (skip) {
			skip--;
			continue;
		}
		put.utc_ms = m.utc_ms;
		put.hop = m.hop;
		put.sent = m.sent;
		put.message = m.octets;
		watch_past(p->n->watch->watch, &put);
	}
}

static bool session_is_there(const struct past *p, struct bytes sdp)
{
	struct recent_cursor cursor = { 0 };
	struct recent_message m;

	while (recent_next(&p->n->watch->recent, &cursor, &m)) {
		if (is_past(p, &m) && memmem(m.octets.p, m.octets.n, sdp.p, sdp.n))
			return true;
	}
	return false;
}

/* Media of such a trace is decrypted: by the original profile Wireshark would take it for SRTP. */
static void sdp_in_clear_write(struct writer *w, struct bytes sdp)
{
	static const char *const profiles[][2] = { { "UDP/TLS/RTP/SAVPF", "RTP/AVPF" },
						   { "UDP/TLS/RTP/SAVP", "RTP/AVP" },
						   { "RTP/SAVPF", "RTP/AVPF" },
						   { "RTP/SAVP", "RTP/AVP" } };
	struct bytes line;

	while (bytes_cut(&sdp, '\n', &line)) {
		size_t i = 0;
		const uint8_t *at = NULL;

		for (; i < COUNT_OF(profiles) && bytes_starts(line, "m=") && !at; i++)
			at = memmem(line.p, line.n, profiles[i][0], strlen(profiles[i][0]));
		if (!at) {
			writer_fmt(w, BYTES_FMT "\n", BYTES_ARG(line));
			continue;
		}
		i--;
		writer_fmt(w, "%.*s%s" BYTES_FMT "\n", (int)(at - line.p), (const char *)line.p,
			   profiles[i][1],
			   BYTES_ARG(bytes_from(line,
						(size_t)(at - line.p) + strlen(profiles[i][0]))));
	}
}

static void past_head_write(struct writer *w, const struct call_session *s,
			    const struct addr *sender, uint8_t leg)
{
	char from[ADDR_TEXT_MAX];

	(void)addr_text(sender, from);
	writer_fmt(w, "Via: SIP/2.0/%s %s;branch=z9hG4bK-trace-%u\r\n",
		   sip_transport_name(s->hop.transport), from, leg);
	if (s->outbound)
		writer_fmt(w,
			   "From: " BYTES_FMT ";tag=%.*s\r\nTo: " BYTES_FMT ";tag=" BYTES_FMT
			   "\r\n",
			   BYTES_ARG(s->local), ID_TAG_LEN, s->local_tag, BYTES_ARG(s->remote),
			   BYTES_ARG(s->remote_tag));
	else
		writer_fmt(w,
			   "From: " BYTES_FMT ";tag=" BYTES_FMT "\r\nTo: " BYTES_FMT
			   ";tag=%.*s\r\n",
			   BYTES_ARG(s->remote), BYTES_ARG(s->remote_tag), BYTES_ARG(s->local),
			   ID_TAG_LEN, s->local_tag);
	writer_fmt(w,
		   "Call-ID: " BYTES_FMT "\r\nCSeq: 1 INVITE\r\n"
		   "X-Trace: made from the record of the call, never sent\r\n",
		   BYTES_ARG(s->call_id));
}

/* The INVITE, or its answer. */
static void made_put(const struct past *p, const struct call_session *s, uint8_t leg, bool answer)
{
	struct watch_past put = p->message;
	struct addr local = watch_local(p->n->watch->watch, &s->hop);
	bool by_us = s->outbound != answer;
	struct bytes sdp = by_us ? s->local_sdp : s->remote_sdp;
	char *text = malloc(MADE_MAX), *body = malloc(MADE_MAX);
	struct writer w = writer_over(text, text ? MADE_MAX : 0),
		      b = writer_over(body, body ? MADE_MAX : 0);

	if (p->message.decrypted)
		sdp_in_clear_write(&b, sdp);
	else
		writer_fmt(&b, BYTES_FMT, BYTES_ARG(sdp));
	if (answer)
		writer_str(&w, "SIP/2.0 200 OK\r\n");
	else
		writer_fmt(&w, "INVITE " BYTES_FMT " SIP/2.0\r\n",
			   BYTES_ARG(s->outbound ? s->target : BYTES_LIT("sip:tandem")));
	past_head_write(&w, s, s->outbound ? &local : &s->hop.remote, leg);
	writer_fmt(&w, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n" BYTES_FMT,
		   b.n, BYTES_ARG(writer_done(&b)));
	put.utc_ms = clock_utc_ms();
	put.hop = s->hop;
	put.sent = by_us;
	put.made = true;
	put.message = writer_done(&w);
	if (!w.overflow && !b.overflow)
		watch_past(p->n->watch->watch, &put);
	if (text)
		explicit_bzero(text, MADE_MAX);
	if (body)
		explicit_bzero(body, MADE_MAX);
	free(text);
	free(body);
}

/* Those of its dialogs that no message of ours has named yet. */
static void dialogs_add(struct past *p)
{
	static struct call_view view;

	if (!node_call_view(p->n, p->message.call, &view))
		return;
	for (size_t i = 0; i < COUNT_OF(view.sip_call_id); i++) {
		if (view.sip_call_id[i] && view.sip_call_id[i]->n)
			p->choice.call_ids[p->choice.count++] = text_bytes(view.sip_call_id[i]);
	}
}

void node_trace_past(struct node *n, uint64_t call, bool decrypted, bool but_newest)
{
	struct past p = { .n = n,
			  .message = { .call = call, .decrypted = decrypted },
			  .choice.call = call,
			  .below = n->watch->recent.serial + !but_newest };

	dialogs_add(&p);
	recent_choose(&n->watch->recent, &p.choice);
	messages_put(&p);
	for (uint8_t leg = 0; leg < LEGS; leg++) {
		struct call_session s;

		if (!shard_call_session(node_core(n, call), call, leg, &s) ||
		    (!decrypted && session_is_there(&p, s.remote_sdp) &&
		     session_is_there(&p, s.local_sdp)))
			continue;
		made_put(&p, &s, leg, false);
		made_put(&p, &s, leg, true);
	}
}

static struct watch_limits limits_of(const struct settings *s)
{
	return (struct watch_limits){ .decrypted = s->trace.decrypted,
				      .quota = (uint64_t)s->trace.quota_mib << 20,
				      .files = s->trace.files,
				      .keep_ns = s->trace.keep };
}

static struct hep_settings hep_of(const struct settings *s)
{
	struct hep_settings hep = { .collector = s->hep.collector,
				    .capture_id = s->hep.capture_id };

	static_assert(sizeof(hep.password) == sizeof(s->hep.password), "copied whole");
	memcpy(hep.password, s->hep.password, sizeof(hep.password));
	return hep;
}

/* A node without it works as well. */
static void recent_configure(struct node *n)
{
	if (n->watch->recent_kib == n->settings->trace.recent_kib)
		return;
	n->watch->recent_kib = n->settings->trace.recent_kib;
	if (recent_resize(&n->watch->recent, (size_t)n->watch->recent_kib << 10))
		LOG_ERROR("node", 0, "no memory for trace.recent_kib");
}

int node_watch_open(struct node *n)
{
	static const uint8_t no_key[DIGEST_KEY_LEN];
	static struct shard_settings shard;
	const struct watch_settings settings = { .state_dir = n->settings->node.state_dir,
						 .engine = n->media->engine,
						 .locals = shard.locals,
						 .local_count = SHARD_LOCALS_MAX,
						 .limits = limits_of(n->settings),
						 .hep = hep_of(n->settings) };
	int err;

	recent_configure(n);
	settings_to_shard(n->settings, no_key, n->sip->tls != NULL, &shard);
	err = watch_open(&n->watch->watch, &settings);
	if (err)
		LOG_ERROR("node", 0, "cannot open traces", LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

void node_watch_reload(struct node *n)
{
	struct watch_limits limits = limits_of(n->settings);
	struct hep_settings hep = hep_of(n->settings);

	recent_configure(n);
	watch_configure(n->watch->watch, &limits, &hep);
	explicit_bzero(&hep, sizeof(hep));
}

void node_watch_close(struct node *n)
{
	watch_close(n->watch->watch);
	n->watch->watch = NULL;
	recent_close(&n->watch->recent);
}

/* A trace that waits for a user's next call may begin with it. */
static void call_catch(struct node *n, uint64_t call)
{
	static struct call_view view;
	struct trace_view trace;

	if (call && watch_waits(n->watch->watch) &&
	    shard_call_glance(node_core(n, call), call, &view) &&
	    watch_catch(n->watch->watch, &view, clock_instant(), &trace))
		node_trace_past(n, call, trace.decrypted, true);
}

/* A message between two shards belongs to both calls: here to its present shard's. */
static uint64_t call_of(const struct node *n, const struct sip_hop *hop, struct bytes message)
{
	uint16_t other = hop->transport == SIP_INTER_SHARD ? inter_shard_of(&hop->remote) : 0;
	uint64_t call = 0;

	for (uint32_t i = 0; i < n->shards->count && !call; i++) {
		const struct node_shard *s = &n->shards->list[i];

		if (s->core && s->number != other)
			call = shard_message_call(s->core, message);
	}
	return call;
}

/* The last messages of a call leave when it is gone: their tags name it. */
void node_on_passed(const struct sip_hop *hop, bool sent, uint64_t call, struct bytes message,
		    const char *why, void *arg)
{
	struct node *n = arg;

	recent_add(&n->watch->recent, hop, sent, clock_utc_ms(), message, why);
	if (!n->watch->watch || !watch_wants(n->watch->watch))
		return;
	if (!call)
		call = call_of(n, hop, message);
	call_catch(n, call);
	watch_message(n->watch->watch, hop, sent, call, message);
}
