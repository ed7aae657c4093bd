/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/effect_line.h"

#include <assert.h>

#include "tests/sim/sim.h"

static uint8_t line_space[384 << 10]; /* a record of 64 KiB, each octet as \xNN, and the rest */

/* ---- a member that is not zero ---- */

static void number(struct writer *w, const char *name, uint64_t v)
{
	if (v == 0)
		return;
	WRITER_TEXTS(w, " ", name, "=");
	writer_u64(w, v);
}

static void octets(struct writer *w, const char *name, struct bytes b)
{
	if (b.n == 0)
		return;
	WRITER_TEXTS(w, " ", name, "=");
	trace_octets(w, b);
}

static void word(struct writer *w, const char *name, const char *text)
{
	if (text)
		octets(w, name, bytes_str(text));
}

static void address(struct writer *w, const char *name, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (a->family != ADDR_NONE)
		WRITER_TEXTS(w, " ", name, "=", addr_text(a, text));
	number(w, "scope", a->scope);
}

/* Members of what is within another. */
static void open(struct writer *w, const char *name)
{
	WRITER_TEXTS(w, " ", name, "{");
}

static void close(struct writer *w)
{
	writer_str(w, " }");
}

/* ---- media ---- */

static void put_key(struct writer *w, const char *name, const struct media_key *k)
{
	if (k->suite == MEDIA_SUITE_NONE)
		return;
	open(w, name);
	number(w, "suite", k->suite);
	octets(w, "octets", bytes_mem(k->octets, k->length));
	octets(w, "mki", bytes_mem(k->mki, k->mki_length));
	close(w);
}

static void put_flow_id(struct writer *w, const char *name, struct flow_id id)
{
	if (id.generation == 0)
		return;
	open(w, name);
	number(w, "slot", id.slot);
	number(w, "generation", id.generation);
	close(w);
}

static void put_job(struct writer *w, const char *name, struct job_id id)
{
	put_flow_id(w, name, (struct flow_id){ id.slot, id.generation });
}

static void put_ice_and_dtls(struct writer *w, const struct flow_spec *f)
{
	if (f->ice.on) {
		octets(w, "ufrag", bytes_mem(f->ice.ufrag, sizeof(f->ice.ufrag)));
		octets(w, "pwd", bytes_mem(f->ice.pwd, sizeof(f->ice.pwd)));
	}
	number(w, "dtls", f->dtls.role);
	number(w, "association", f->dtls.association);
	if (f->dtls.peer.hash == MEDIA_HASH_NONE)
		return;
	number(w, "fingerprint", f->dtls.peer.hash);
	octets(w, "octets", bytes_mem(f->dtls.peer.octets, sizeof(f->dtls.peer.octets)));
}

static void put_bundle(struct writer *w, const struct flow_spec *f)
{
	put_flow_id(w, "bundle", f->bundle);
	number(w, "mid_extension", f->mid_extension);
	octets(w, "mid", bytes_mem(f->mid, f->mid_length));
	number(w, "cc_extension", f->cc_extension);
	number(w, "shared_port", f->shared_port);
}

static void put_codecs(struct writer *w, const struct flow_spec *f)
{
	for (uint32_t i = 0; i < f->accepted_count; i++) {
		open(w, "taken");
		number(w, "type", f->accepted[i].payload_type);
		number(w, "codec", f->accepted[i].codec);
		close(w);
	}
	for (uint32_t i = 0; i < f->rule_count; i++) {
		const struct payload_rule *r = &f->rules[i];

		open(w, "rule");
		number(w, "in", r->in);
		number(w, "out", r->out);
		number(w, "event", r->event);
		number(w, "coding", r->coding);
		number(w, "clock", r->clock_hz);
		number(w, "codec", f->rule_codecs[i]);
		close(w);
	}
	for (uint32_t i = 0; i < MEDIA_CODINGS_MAX; i++) {
		const struct media_coding *c = &f->codings[i];

		open(w, "coding");
		number(w, "from", c->from);
		number(w, "to", c->to);
		number(w, "packet_ms", c->packet_ms);
		number(w, "complexity", c->complexity);
		number(w, "bit_rate", c->bit_rate);
		close(w);
	}
}

static void put_resume(struct writer *w, const struct flow_resume *r)
{
	open(w, "resume");
	address(w, "rtp", &r->source_rtp);
	address(w, "rtcp", &r->source_rtcp);
	if (r->started)
		number(w, "ssrc", r->source_ssrc);
	number(w, "timestamp", r->timestamp_offset);
	number(w, "sequence", r->sequence_offset);
	number(w, "started", r->started);
	number(w, "srtp_in", r->srtp_in);
	number(w, "srtp_key", r->srtp_key);
	number(w, "srtp_next", r->srtp_next);
	number(w, "srtcp_next", r->srtcp_next);
	number(w, "at", r->sent.at_ns);
	number(w, "said_timestamp", r->sent.timestamp);
	number(w, "said_clock", r->sent.clock_hz);
	number(w, "said_sequence", r->sent.sequence);
	number(w, "said_units", r->sent.units);
	close(w);
}

static void put_tone(struct writer *w, const struct media_overlay *o)
{
	if (o->tone.ms == 0)
		return;
	open(w, "overlay");
	number(w, "hz", o->tone.hz);
	number(w, "level", (uint16_t)o->tone.level);
	number(w, "ms", o->tone.ms);
	number(w, "gap", o->tone.gap_ms);
	number(w, "begun", o->begun_ns);
	number(w, "every", o->every_ms);
	close(w);
}

static void put_member(struct writer *w, const struct flow_spec *f)
{
	const struct media_layers *layers = &f->video.layers;

	put_job(w, "source", f->source.job);
	number(w, "source_type", f->source.payload_type);
	number(w, "member", f->member.number);
	number(w, "coaches", f->member.coaches);
	number(w, "gain", (uint8_t)f->member.gain_db);
	number(w, "muted", f->member.muted);
	number(w, "deaf", f->member.deaf);
	number(w, "level", f->member.level_extension);
	number(w, "most_kbps", f->video.most_kbps);
	number(w, "rid", layers->extension);
	for (uint32_t i = 0; i < layers->count; i++)
		octets(w, "layer", bytes_mem(layers->list[i].name, layers->list[i].length));
}

static void put_ends(struct writer *w, const struct flow_spec *f)
{
	put_flow_id(w, "peer", f->peer);
	number(w, "call", f->call);
	number(w, "home", f->home);
	address(w, "local", &f->local_rtp);
	address(w, "local_rtcp", &f->local_rtcp);
	address(w, "remote", &f->remote_rtp);
	address(w, "remote_rtcp", &f->remote_rtcp);
	number(w, "ssrc", f->ssrc_out);
	number(w, "kind", f->kind);
	number(w, "latch", f->latch);
	number(w, "dscp", f->dscp);
	number(w, "receive", f->receive);
	number(w, "send", f->send);
	number(w, "rtcp_mux", f->rtcp_mux);
	number(w, "leg", f->leg);
	number(w, "line", f->line);
	number(w, "event_type", f->event_pt);
	number(w, "event_clock", f->event_clock_hz);
	number(w, "silence_ms", f->silence_ms);
}

static void put_spec(struct writer *w, const struct flow_spec *f)
{
	put_flow_id(w, "id", f->id);
	put_ends(w, f);
	put_key(w, "key_in", &f->key_in);
	put_key(w, "key_out", &f->key_out);
	put_ice_and_dtls(w, f);
	put_bundle(w, f);
	number(w, "own", f->own);
	number(w, "unproven", f->unproven);
	number(w, "nack", f->nack);
	number(w, "fir", f->fir);
	number(w, "alone", f->alone);
	number(w, "hears", f->detects_dtmf);
	number(w, "strips", f->strips);
	number(w, "place", f->place);
	number(w, "tap_live", f->tap_live);
	number(w, "tap_fork", f->tap_fork);
	number(w, "tap", f->tap);
	number(w, "srtp_limit", f->srtp_limit);
	number(w, "srtcp_limit", f->srtcp_limit);
	put_member(w, f);
	put_tone(w, &f->overlay);
	put_codecs(w, f);
	put_resume(w, &f->resume);
}

/* Of jobs the core asks by effects of their own. */
static void put_media(struct writer *w, const struct media_command *c)
{
	number(w, "command", (uint64_t)c->kind + 1);
	put_flow_id(w, "flow", c->id);
	number(w, "digit", (uint8_t)c->digit);
	number(w, "association", c->association);
	number(w, "moves", c->moves);
	number(w, "duration_ms", c->duration_ms);
	assert(!media_command_is_of_job(c->kind));
	if (c->kind == MEDIA_FLOW_OPEN || c->kind == MEDIA_FLOW_UPDATE)
		put_spec(w, &c->spec);
	if (c->kind == MEDIA_FLOW_FLIGHT)
		octets(w, "flight", bytes_mem(c->flight.octets, c->flight.length));
}

static void put_fork(struct writer *w, const struct media_fork *f)
{
	for (uint32_t i = 0; i < FORK_STREAMS; i++) {
		const struct fork_stream *s = &f->stream[i];

		open(w, "stream");
		if (s->on) {
			number(w, "on", s->on);
			number(w, "leg", s->leg);
			number(w, "line", s->line);
			address(w, "local", &s->local);
			address(w, "remote", &s->remote);
			number(w, "payloads", s->payloads[0]);
			number(w, "payloads", s->payloads[1]);
			address(w, "rtcp", &s->rtcp_remote);
			put_key(w, "key", &s->key);
			put_key(w, "key_in", &s->key_in);
		}
		close(w);
	}
}

static void put_room_open(struct writer *w, const void *request)
{
	const struct media_room *r = request;

	number(w, "rate", r->rate_hz);
	number(w, "members", r->members);
	number(w, "talkers", r->talkers);
	number(w, "hold_ms", r->hold_ms);
	number(w, "packet_ms", r->packet_ms);
	number(w, "complexity", r->complexity);
	number(w, "bit_rate", r->bit_rate);
}

static void put_room_tap(struct writer *w, const void *request)
{
	const struct request_room_tap *tap = request;
	const struct media_room_tone *t = &tap->tone;

	put_job(w, "job", tap->job);
	number(w, "recording", tap->number);
	if (t->ms == 0)
		return;
	number(w, "tone_hz", t->hz);
	number(w, "tone_ms", t->ms);
	number(w, "tone_level", (uint16_t)t->level);
	number(w, "tone_every", t->every_ms);
	number(w, "tone_begun", t->begun_ns);
}

/* ---- what is told ---- */

static void put_stats(struct writer *w, const char *name, const struct flow_stats *s)
{
	open(w, name);
	number(w, "packets_in", s->packets_in);
	number(w, "octets_in", s->octets_in);
	number(w, "packets_out", s->packets_out);
	number(w, "octets_out", s->octets_out);
	number(w, "rtcp_in", s->rtcp_in);
	number(w, "rtcp_out", s->rtcp_out);
	number(w, "dropped", s->dropped);
	number(w, "lost", s->lost);
	number(w, "jitter", s->jitter_us);
	number(w, "digits", s->digits);
	number(w, "source_changes", s->source_changes);
	number(w, "icmp", s->icmp_errors);
	number(w, "first", s->first_in_ns);
	number(w, "last", s->last_in_ns);
	number(w, "remote_lost", s->remote_lost);
	number(w, "remote_jitter", s->remote_jitter_us);
	number(w, "rtt", s->rtt_us);
	number(w, "ice", s->ice);
	number(w, "dtls", s->dtls);
	close(w);
}

static void put_sound(struct writer *w, const char *name, const struct cdr_sound *s)
{
	open(w, name);
	word(w, "codec", s->codec);
	number(w, "mos_in", s->mos_in);
	number(w, "mos_out", s->mos_out);
	close(w);
}

static void put_facts(struct writer *w, const struct call_facts *facts)
{
#define CALL_FACT(member, size, from, name, help) word(w, #member, facts->member);
#include "sig/host/call_facts.def"
#undef CALL_FACT
}

static void put_cdr(struct writer *w, const struct cdr *c)
{
	open(w, "cdr");
	number(w, "call", c->call);
	number(w, "pair", c->pair);
	number(w, "pairs", c->pairs);
	word(w, "tenant", c->tenant);
	word(w, "from", c->from);
	word(w, "to", c->to);
	word(w, "call_id", c->sip_call_id);
	number(w, "setup", c->setup_utc_ms);
	number(w, "ringing", c->ringing_utc_ms);
	number(w, "answer", c->answer_utc_ms);
	number(w, "end", c->end_utc_ms);
	number(w, "status", c->sip_status);
	number(w, "q850", c->q850);
	number(w, "ended_by", c->ended_by);
	word(w, "reason", c->reason);
	word(w, "forwarded_to", c->forwarded_to);
	word(w, "from_trunk", c->from_trunk);
	word(w, "to_trunk", c->to_trunk);
	put_facts(w, &c->facts);
	number(w, "forwarded", c->forwarded);
	number(w, "lines", c->lines);
	number(w, "room", c->room);
	number(w, "recordings", c->recordings);
	number(w, "audio", c->audio);
	put_stats(w, "a", &c->a);
	put_stats(w, "b", &c->b);
	put_sound(w, "a_sound", &c->a_sound);
	put_sound(w, "b_sound", &c->b_sound);
	close(w);
}

static void put_event(struct writer *w, const void *request)
{
	const struct sig_event *e = request;
	static uint8_t space[16 << 10];
	struct writer json = writer_over(space, sizeof(space));

	event_write_json(&json, e);
	octets(w, "json", writer_done(&json));
	word(w, "tenant", e->tenant);
	word(w, "application", e->application);
}

static void put_security(struct writer *w, const void *request)
{
	const struct security_event *e = request;

	word(w, "kind", security_kind_name(e->kind));
	address(w, "source", &e->source);
	number(w, "count", e->count);
	word(w, "user", e->user);
	word(w, "detail", e->detail);
}

static void put_want(struct writer *w, const void *request)
{
	const struct lookup_want *l = request;

	word(w, "host", l->host);
	number(w, "port", l->port);
	number(w, "sips", l->sips);
	number(w, "said", l->said);
	number(w, "transport", l->transport);
	number(w, "speaks", l->speaks);
	number(w, "v4", l->v4);
	number(w, "v6", l->v6);
	number(w, "seed", l->seed);
}

static void put_hop(struct writer *w, const struct sip_hop *h)
{
	number(w, "transport", h->transport);
	number(w, "local", h->local);
	number(w, "name", h->name);
	address(w, "remote", &h->remote);
	number(w, "connection", h->connection);
	number(w, "inbound", h->inbound);
	number(w, "certified", h->certified);
}

static void put_order(struct writer *w, const void *request)
{
	const struct request_ordered *o = request;

	number(w, "ticket", o->ticket);
	number(w, "order", o->number);
	number(w, "saved", o->saved);
	number(w, "status", o->status);
	number(w, "owner", o->owner);
}

static void put_record(struct writer *w, const void *request)
{
	const struct request_record *r = request;

	number(w, "act", r->act);
	number(w, "recording", r->number);
	number(w, "segment", r->segment);
	number(w, "begun", r->begun_utc_ms);
	number(w, "message", r->message);
	number(w, "is_name", r->name);
	number(w, "mix", r->mix);
	number(w, "silence", r->silence_ms);
}

static void put_listen(struct writer *w, const void *request)
{
	const struct request_media_stream *l = request;

	number(w, "listen", l->number);
	number(w, "sides", l->sides);
	number(w, "of_callee", l->of_callee);
	number(w, "resumed", l->resumed);
}

static void put_box(struct writer *w, const void *request)
{
	const struct request_box *box = request;
	const struct box_order *o = &box->order;

	open(w, "box");
	number(w, "act", (uint64_t)o->act + 1);
	word(w, "message", o->id);
	number(w, "state", (uint64_t)o->state);
	number(w, "urgent", o->urgent);
	number(w, "private", o->is_private);
	number(w, "newest", o->newest_first);
	number(w, "what", o->what);
	number(w, "version", o->version);
	number(w, "wait_ms", o->wait_ms);
	number(w, "lasting", o->lasting);
	close(w);
}

static void put_send(struct writer *w, const void *request)
{
	const struct request_send *send = request;

	put_hop(w, &send->hop);
	word(w, "why", send->why);
}

static void put_trust(struct writer *w, const void *request)
{
	const struct request_trust *trust = request;

	put_hop(w, &trust->hop);
	number(w, "peer", trust->peer);
}

static void put_save(struct writer *w, const void *request)
{
	number(w, "version", ((const struct request_save *)request)->version);
}

static void put_object_save(struct writer *w, const void *request)
{
	put_save(w, request);
	number(w, "what", ((const struct request_object_save *)request)->kind);
}

static void put_binding_save(struct writer *w, const void *request)
{
	const struct request_binding_save *save = request;

	number(w, "version", save->version);
	number(w, "what", save->expected);
	number(w, "ms", save->ttl_ms);
}

static void put_cdrs(struct writer *w, const void *request)
{
	const struct request_cdrs *cdrs = request;

	for (uint32_t i = 0; i < cdrs->count; i++)
		put_cdr(w, &cdrs->list[i]);
}

static void put_command(struct writer *w, const void *request)
{
	put_media(w, ((const struct request_media *)request)->command);
}

static void put_play(struct writer *w, const void *request)
{
	const struct request_play *play = request;

	number(w, "what", play->codec);
	number(w, "ms", play->begin_ms);
	number(w, "resumed", play->resumed);
}

static void put_play_digit(struct writer *w, const void *request)
{
	number(w, "what", (uint8_t)((const struct request_play_digit *)request)->digit);
}

static void put_room_play(struct writer *w, const void *request)
{
	const struct request_room_play *play = request;

	number(w, "what", play->rate_hz);
	number(w, "ms", play->begin_ms);
	number(w, "resumed", play->resumed);
	put_job(w, "job", play->job);
}

static void put_set(struct writer *w, const void *request)
{
	const struct request_set *set = request;

	number(w, "what", set->feature);
	number(w, "ms", set->rings);
}

static void put_park(struct writer *w, const void *request)
{
	number(w, "what", ((const struct request_park *)request)->act);
}

static void put_kept(struct writer *w, const void *request)
{
	const struct request_kv *kept = request;

	number(w, "what", kept->what);
	number(w, "ms", kept->ttl_ms);
}

static void put_help(struct writer *w, const void *request)
{
	const struct request_helper *help = request;

	number(w, "what", help->what);
	number(w, "ms", help->ttl_ms);
}

static void put_confer(struct writer *w, const void *request)
{
	const struct request_conference *to_conference = request;

	number(w, "room", to_conference->room);
	number(w, "what", to_conference->dialog);
}

static void put_publish(struct writer *w, const void *request)
{
	const struct request_publish *publish = request;

	number(w, "what", publish->etag);
	number(w, "ms", publish->ttl_ms);
}

static void put_request_fork(struct writer *w, const void *request)
{
	const struct request_fork *fork = request;

	number(w, "recording", fork->number);
	if (fork->fork)
		put_fork(w, fork->fork);
}

static void put_user(struct writer *w, const void *request)
{
	const struct request_user *user = request;

	number(w, "what", user->page);
	number(w, "number", user->number);
}

static void (*const g_puts[EFFECT_KINDS])(struct writer *w, const void *request) = {
	[EFFECT_SEND] = put_send,
	[EFFECT_CALL_SAVE] = put_save,
	[EFFECT_CALL_END] = put_cdrs,
	[EFFECT_CALL_OPEN] = put_cdrs,
	[EFFECT_BINDING_SAVE] = put_binding_save,
	[EFFECT_SUBSCRIPTION_SAVE] = put_save,
	[EFFECT_MEDIA] = put_command,
	[EFFECT_EVENT] = put_event,
	[EFFECT_TRUST] = put_trust,
	[EFFECT_SECURITY] = put_security,
	[EFFECT_PLAY] = put_play,
	[EFFECT_SET] = put_set,
	[EFFECT_PARK] = put_park,
	[EFFECT_KV] = put_kept,
	[EFFECT_HELPER] = put_help,
	[EFFECT_LOOKUP] = put_want,
	[EFFECT_PLAY_DIGIT] = put_play_digit,
	[EFFECT_MEDIA_STREAM] = put_listen,
	[EFFECT_ORDERED] = put_order,
	[EFFECT_FORK] = put_request_fork,
	[EFFECT_OBJECT_SAVE] = put_object_save,
	[EFFECT_ROOM_OPEN] = put_room_open,
	[EFFECT_ROOM_PLAY] = put_room_play,
	[EFFECT_ROOM_TAP] = put_room_tap,
	[EFFECT_CONFERENCE] = put_confer,
	[EFFECT_RECORD] = put_record,
	[EFFECT_PUBLISH] = put_publish,
	[EFFECT_BOX] = put_box,
	[EFFECT_USER] = put_user,
};

static void put_effect(struct writer *w, const struct effect *e)
{
	const struct text *texts = e->request;

	number(w, "call", e->call);
	number(w, "serial", e->serial);
	if (g_puts[e->kind])
		g_puts[e->kind](w, e->request);
	for (size_t i = 0; i < effect_rows[e->kind].texts; i++)
		octets(w, "text", text_bytes(&texts[i]));
	if (e->kind == EFFECT_CALL_END)
		octets(w, "text", text_bytes(&((const struct request_call_end *)e->request)->toll));
}

/* ---- lines ---- */

static void begin(struct writer *w, const struct node *n, const char *what)
{
	writer_number(w, "", n->sim->now_ns, "");
	writer_number(w, " node ", n->index, " ");
	writer_str(w, what);
}

static void end(struct writer *w, const struct node *n)
{
	writer_str(w, "\n");
	assert(!w->overflow);
	trace_text(&n->sim->asked, writer_done(w));
}

void effect_line(const struct node *n, uint16_t shard, const struct effect *e)
{
	struct writer w = writer_over(line_space, sizeof(line_space));

	if (!n->sim->hashes)
		return;
	begin(&w, n, effect_rows[e->kind].name);
	number(&w, "shard", shard);
	put_effect(&w, e);
	end(&w, n);
}

void effect_line_parcel(const struct node *n, uint32_t to, const struct parcel *p)
{
	struct writer w = writer_over(line_space, sizeof(line_space));

	if (!n->sim->hashes)
		return;
	begin(&w, n, "parcel");
	number(&w, "to", (uint64_t)to + 1);
	number(&w, "kind", p->kind);
	number(&w, "transport", p->transport);
	number(&w, "connection", p->connection);
	address(&w, "bound", &p->bound);
	address(&w, "remote", &p->remote);
	octets(&w, "data", p->data);
	end(&w, n);
}
