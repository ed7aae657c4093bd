/* SPDX-License-Identifier: Apache-2.0 */
/* Call detail records: what is written of a call when it ends, one for each pair of parties that it
 * had (cdr.h). Names, times and causes come from the call and its plan, counters and quality from
 * its flows. Ended pairs are kept as segments in the call's record, so CDRs survive the process.
 * Numbers are written without the access code of a trunk. */

#include <errno.h>
#include <stdlib.h>

#include "media/quality.h"
#include "sig/call/cdr.h"
#include "sig/call/identity.h"
#include "sig/call/plan.h"
#include "sig/host/trunk_route.h"
#include "sig/identity/shown.h"
#include "sig/leg/line_facts.h"
#include "sig/model/flow_run.h"
#include "sig/model/recording.h"
#include "sig/model/saved.h"

/* ---- what is saved of the pairs before ---- */

static bool flow_stats_are(const struct flow_stats *s)
{
	return s->packets_in + s->packets_out + s->dropped + s->rtcp_in + s->rtcp_out != 0;
}

static bool cdr_has_a(const struct schema_writer *w, const void *cdr)
{
	(void)w;
	return flow_stats_are(&((const struct cdr *)cdr)->a);
}

static bool cdr_has_b(const struct schema_writer *w, const void *cdr)
{
	(void)w;
	return flow_stats_are(&((const struct cdr *)cdr)->b);
}

#define COUNTERS(stats, sound)                                                                     \
	{                                                                                          \
		{ "packets_in", 1, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.packets_in) },         \
			{ "octets_in", 2, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.octets_in) },   \
			{ "packets_out", 3, SCHEMA_UINT,                                           \
			  SCHEMA_AT(struct cdr, stats.packets_out) },                              \
			{ "octets_out", 4, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.octets_out) }, \
			{ "rtcp_in", 5, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.rtcp_in) },       \
			{ "rtcp_out", 6, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.rtcp_out) },     \
			{ "dropped", 7, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.dropped) },       \
			{ "lost", 8, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.lost) },             \
			{ "jitter_us", 9, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.jitter_us) },   \
			{ "digits", 10, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.digits) },        \
			{ "source_changes", 11, SCHEMA_UINT,                                       \
			  SCHEMA_AT(struct cdr, stats.source_changes) },                           \
			{ "remote_lost", 12, SCHEMA_UINT,                                          \
			  SCHEMA_AT(struct cdr, stats.remote_lost) },                              \
			{ "remote_jitter_us", 13, SCHEMA_UINT,                                     \
			  SCHEMA_AT(struct cdr, stats.remote_jitter_us) },                         \
			{ "rtt_us", 14, SCHEMA_UINT, SCHEMA_AT(struct cdr, stats.rtt_us) },        \
			{ "codec",                                                                 \
			  15,                                                                      \
			  SCHEMA_CSTR,                                                             \
			  SCHEMA_LINE,                                                             \
			  SCHEMA_AT(struct cdr, sound.codec),                                      \
			  .wrong = "segment: text" },                                              \
			{ "mos_in", 16, SCHEMA_UINT, SCHEMA_AT(struct cdr, sound.mos_in),          \
			  .wrong = "segment: MOS" },                                               \
			{ "mos_out", 17, SCHEMA_UINT, SCHEMA_AT(struct cdr, sound.mos_out),        \
			  .wrong = "segment: MOS" },                                               \
			{ 0 },                                                                     \
	}
static const struct schema counters_of_a[] = COUNTERS(a, a_sound);
static const struct schema counters_of_b[] = COUNTERS(b, b_sound);
#undef COUNTERS

/* A leg that is gone counts as none. */
static bool segment_check(struct schema_reader *r, void *object)
{
	const struct call *c = loader_of(r)->c;
	struct segment *s = object;
	struct cdr *cdr = &s->cdr;

	if (!call_leg(c, s->caller))
		s->caller = LEG_NONE;
	if (!call_leg(c, s->callee))
		s->callee = LEG_NONE;
	cdr->lines &= OFFER_LINES_ALL;
	cdr->audio &= 3;
	cdr->recordings &= ~UINT64_C(1);
	if (cdr->forwarded >= PLAN_WHYS)
		cdr->forwarded = PLAN_CALLED;
	return true;
}

static const struct schema segment_rows[] = {
	{ "from", 1, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct segment, cdr.from) },
	{ "to", 2, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct segment, cdr.to) },
	{ "sip_call_id", 3, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct segment, cdr.sip_call_id) },
	{ "setup_utc_ms", 4, SCHEMA_TIME, SCHEMA_AT(struct segment, cdr.setup_utc_ms) },
	{ "ringing_utc_ms", 5, SCHEMA_TIME, SCHEMA_AT(struct segment, cdr.ringing_utc_ms) },
	{ "answer_utc_ms", 6, SCHEMA_TIME, SCHEMA_AT(struct segment, cdr.answer_utc_ms) },
	{ "end_utc_ms", 7, SCHEMA_TIME, SCHEMA_AT(struct segment, cdr.end_utc_ms) },
	{ "status", 8, SCHEMA_UINT, SCHEMA_AT(struct segment, cdr.sip_status), .max = 699,
	  .wrong = "segment: how it ended" },
	{ "cause", 9, SCHEMA_UINT, SCHEMA_AT(struct segment, cause), .max = CALL_CAUSE_COUNT - 1,
	  .wrong = "segment: how it ended" },
	{ "ended_by", 10, SCHEMA_UINT, SCHEMA_AT(struct segment, cdr.ended_by),
	  .max = ENDED_BY_OPERATOR, .wrong = "segment: how it ended" },
	{ "caller", 11, SCHEMA_UINT, SCHEMA_PLUS_ONE, SCHEMA_AT(struct segment, caller) },
	{ "callee", 12, SCHEMA_UINT, SCHEMA_PLUS_ONE, SCHEMA_AT(struct segment, callee) },
	{ "a", 13, SCHEMA_MESSAGE, SCHEMA_AT(struct segment, cdr), .of = counters_of_a,
	  .is = cdr_has_a },
	{ "b", 14, SCHEMA_MESSAGE, SCHEMA_AT(struct segment, cdr), .of = counters_of_b,
	  .is = cdr_has_b },
	{ "lines", 15, SCHEMA_UINT, SCHEMA_AT(struct segment, cdr.lines) },
	{ "audio", 16, SCHEMA_UINT, SCHEMA_AT(struct segment, cdr.audio) },
	{ "forwarded_to", 17, SCHEMA_CSTR, SCHEMA_LINE,
	  SCHEMA_AT(struct segment, cdr.forwarded_to) },
	{ "forwarded", 18, SCHEMA_UINT, SCHEMA_AT(struct segment, cdr.forwarded) },
	{ "from_trunk", 19, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct segment, cdr.from_trunk) },
	{ "to_trunk", 20, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct segment, cdr.to_trunk) },
	{ "recordings", 21, SCHEMA_FIXED64, SCHEMA_AT(struct segment, cdr.recordings) },
	{ "room", 22, SCHEMA_FIXED64, SCHEMA_AT(struct segment, cdr.room) },
	{ "from_name", 23, SCHEMA_CSTR, SCHEMA_LINE,
	  SCHEMA_AT(struct segment, cdr.facts.from_name) },
	{ "answered_by", 24, SCHEMA_CSTR, SCHEMA_LINE,
	  SCHEMA_AT(struct segment, cdr.facts.answered_by) },
	{ 0 },
};

const struct schema segments_saved[] = {
	{ "segments", 38, SCHEMA_MESSAGE, SCHEMA_LIST | SCHEMA_POINTER,
	  SCHEMA_OF(struct call, segments, struct segment), .of = segment_rows,
	  .count = offsetof(struct call, segment_count), .most = SEGMENTS_MAX,
	  .check = segment_check, .wrong = "segment: text" },
	{ 0 },
};

/* ---- what is written of a call ---- */

/* Counted in the codec that the peer sent, also if it was transcoded for this party. */
static void cdr_add_sound(struct cdr_sound *to, const struct call *c, const struct call_flow *f,
			  const struct media_event *closed)
{
	struct line_facts facts;
	const struct line_codec *codec;
	const struct quality_codec *values;

	if (closed->detail.payload_type == PAYLOAD_NONE || /* it was silent */
	    !line_facts_read(c, f->leg, f->line, &facts))
		return;
	codec = line_codec_find(&facts, closed->detail.payload_type);
	if (!codec)
		return;
	cdr_put(to->codec, sizeof(to->codec), bytes_str(codec->name));
	values = quality_codec_find(bytes_str(codec->name));
	to->mos_in = quality_received(&closed->stats, values).mos_hundredths;
	to->mos_out = quality_reported(&closed->stats, &closed->detail, values).mos_hundredths;
}

/* Also of a line that became a fax: it is counted in one. */
static bool was_audio(const struct call_flow *f)
{
	return f->kind == MEDIA_AUDIO || f->been & FLOW_BEEN_AUDIO;
}

static uint8_t side_bit(bool caller)
{
	return caller ? 1 : 2;
}

static bool has_packets(const struct flow_stats *s)
{
	return s->packets_in + s->packets_out > 0;
}

/* A second audio line would overwrite the first, and another line that of audio. */
static bool flow_is_wanted(const struct cdr *cdr, const struct call_flow *f,
			   const struct flow_stats *kept, const struct flow_stats *closed)
{
	bool caller = kept == &cdr->a;

	if (f->kind == MEDIA_VIDEO)
		return false;
	if (!has_packets(kept))
		return true;
	return was_audio(f) && !(cdr->audio & side_bit(caller)) && has_packets(closed);
}

void cdr_add_flow(struct cdr *cdr, bool caller, const struct call *c, const struct call_flow *f,
		  const struct media_event *closed)
{
	struct flow_stats *to = caller ? &cdr->a : &cdr->b;

	cdr->lines |= f->been & OFFER_LINES_ALL;
	if (!flow_is_wanted(cdr, f, to, &closed->stats))
		return;
	*to = closed->stats;
	cdr->audio |= was_audio(f) ? side_bit(caller) : 0;
	cdr_add_sound(caller ? &cdr->a_sound : &cdr->b_sound, c, f, closed);
}

void cdr_put(char *out, size_t cap, struct bytes b)
{
	(void)bytes_cstr(bytes_sub(b, 0, cap - 1), out, cap);
}

struct bytes cdr_number(const struct call_host *h, const struct call *c, struct bytes number)
{
	return trunk_number_plain(h->settings, c->tenant, number);
}

void cdr_put_number(char *out, size_t cap, const struct call_host *h, const struct call *c,
		    struct bytes number)
{
	cdr_put(out, cap, cdr_number(h, c, number));
}

/* A caller outside dials no feature codes. */
struct bytes call_dnis(const struct call *c)
{
	const struct leg *l = call_caller(c);
	struct sip_name_addr to;

	return l && leg_is_trunk(l) && !l->outbound &&
			       !sip_name_addr_parse(&to, text_bytes(&l->dialog.local))
		       ? to.uri.user
		       : (struct bytes){ 0 };
}

struct bytes call_from_name(const struct call *c)
{
	struct bytes from = bytes_sub(text_bytes(&c->from), 0, sizeof(c->cdr->from) - 1);
	const struct leg *l = call_caller(c);
	bool first = !c->segment_count || bytes_is(from, c->segments[0].cdr.from);

	if (l && identity_is_hidden(c, l))
		return BYTES_LIT(PARTY_HIDDEN_NAME);
	return first && l && !bytes_iis(text_bytes(&c->display), PARTY_HIDDEN_NAME)
		       ? text_bytes(&c->display)
		       : (struct bytes){ 0 };
}

/* As it was dialled, also if a step of the plan sent it to a trunk in the trunk's format. */
static struct bytes number_of_leg(const struct call *c, const struct leg *l)
{
	struct sip_name_addr remote;
	struct bytes number;

	if (l->user.n || sip_name_addr_parse(&remote, text_bytes(&l->dialog.remote)))
		return text_bytes(&l->user);
	number = remote.uri.user;
	for (uint8_t i = c->plan.count; i-- > 0;) {
		const struct plan_step *p = &c->plan.steps[i];

		if (p->trunk.n && bytes_eq(text_bytes(&p->trunk), text_bytes(&l->trunk)) &&
		    bytes_eq(text_bytes(&p->number), number))
			return text_bytes(&p->user);
	}
	return number;
}

struct bytes call_answered_by(const struct call *c)
{
	const struct leg *l = c->answer_utc_ms ? call_callee(c) : NULL;

	return l ? number_of_leg(c, l) : (struct bytes){ 0 };
}

/* One of ours, once, and whole. */
static void missed_add(struct writer *w, const struct call_host *h, const struct call *c,
		       struct bytes user)
{
	if (!user.n || bytes_list_has(writer_done(w), user) ||
	    w->n + 1 + user.n >= CALL_MISSED_MAX ||
	    (!h->services->directory->extension(h->owner, c->tenant, user)))
		return;
	writer_str(w, w->n ? "," : "");
	writer_bytes(w, user);
}

/* The users with a missed call: those with the call in their history. The forwarder to a flow, else
 * all that were called by the caller, a forward or his flow. */
static struct bytes call_missed(const struct call_host *h, const struct call *c,
				char out[CALL_MISSED_MAX])
{
	struct writer w = writer_over(out, CALL_MISSED_MAX);
	struct bytes list = { 0 }, user;
	bool nobody;

	if (c->run && c->run->diverted_by.n)
		return text_bytes(&c->run->diverted_by);
	if (c->run)
		list = text_bytes(&c->run->missed);
	nobody = c->end_utc_ms && (c->run ? list.n : !c->answer_utc_ms && !c->segment_count);
	while (nobody && bytes_cut(&list, ',', &user))
		missed_add(&w, h, c, user);
	for (uint8_t i = 0; nobody && i < c->plan.count; i++) {
		if (!c->plan.steps[i].trunk.n)
			missed_add(&w, h, c, text_bytes(&c->plan.steps[i].user));
	}
	return writer_done(&w);
}

void call_facts_fill(struct call_facts *out, const struct call_host *h, const struct call *c)
{
	char missed[CALL_MISSED_MAX];

#define CALL_FACT(member, size, from, name, help) cdr_put(out->member, size, from);
#include "sig/host/call_facts.def"
#undef CALL_FACT
}

static void event_fact_put(struct sig_event *event, enum event_field field, struct bytes fact)
{
	if (fact.n)
		event_put(event, field, fact);
}

void call_event_put(struct sig_event *event, const struct call_host *h, const struct call *c)
{
	const struct leg *caller = call_caller(c), *callee = call_callee(c);
	char missed[CALL_MISSED_MAX];

	event_put(event, EV_FROM, cdr_number(h, c, text_bytes(&c->from)));
	event_put(event, EV_TO, cdr_number(h, c, text_bytes(&c->to)));
#define CALL_FACT(member, size, from, name, help) event_fact_put(event, EV_FACT_##member, from);
#include "sig/host/call_facts.def"
#undef CALL_FACT
	if (caller)
		event_put(event, EV_FROM_TRUNK, text_bytes(&caller->trunk));
	if (callee)
		event_put(event, EV_TO_TRUNK, text_bytes(&callee->trunk));
}

static void cdr_put_trunks(const struct call *c, char from[32], char to[32])
{
	const struct leg *caller = call_caller(c), *callee = call_callee(c);

	if (caller)
		cdr_put(from, 32, text_bytes(&caller->trunk));
	if (callee)
		cdr_put(to, 32, text_bytes(&callee->trunk));
}

static void cdr_add_forward(struct cdr *cdr, const struct plan *plan)
{
	struct bytes to;
	enum plan_why why = plan_went_to(plan, &to);

	cdr->forwarded = (uint8_t)why;
	if (why != PLAN_CALLED)
		cdr_put(cdr->forwarded_to, sizeof(cdr->forwarded_to), to);
}

/* The fields of a pair from its setup on: names, times until the answer, status. */
static void cdr_fill_setup(struct cdr *cdr, const struct call *c)
{
	cdr_add_forward(cdr, &c->plan);
	cdr_put(cdr->from, sizeof(cdr->from), text_bytes(&c->from));
	cdr_put(cdr->facts.from_name, sizeof(cdr->facts.from_name), call_from_name(c));
	cdr_put(cdr->facts.answered_by, sizeof(cdr->facts.answered_by), call_answered_by(c));
	/* the plan of a given-away party begins with the target of the transfer */
	cdr_put(cdr->to, sizeof(cdr->to),
		text_bytes(c->segment_count && cdr->forwarded != PLAN_CALLED
				   ? &c->plan.steps[0].user
				   : &c->to));
	cdr_put(cdr->sip_call_id, sizeof(cdr->sip_call_id),
		text_bytes(&call_caller(c)->dialog.call_id));
	cdr_put_trunks(c, cdr->from_trunk, cdr->to_trunk);
	cdr->room = c->in_room;
	cdr->setup_utc_ms = c->setup_utc_ms;
	cdr->ringing_utc_ms = c->ringing_utc_ms;
	cdr->answer_utc_ms = c->answer_utc_ms;
	cdr->sip_status = c->status;
}

static void last_fill(struct cdr *cdr, const struct call *c)
{
	cdr_fill_setup(cdr, c);
	cdr->recordings = recordings_pair(c);
	cdr->end_utc_ms = c->end_utc_ms;
	cdr->ended_by = c->ended_by;
}

static void number_fill(char number[64], const struct call_host *h, const struct call *c)
{
	char whole[64];

	memcpy(whole, number, sizeof(whole));
	cdr_put_number(number, sizeof(whole), h, c, bytes_str(whole));
}

/* What is the same for all of a call, and what follows from the rest. */
static void common_fill(struct cdr *cdr, const struct call_host *h, const struct call *c,
			enum call_cause cause)
{
	int64_t wall_ms = h->wall_ms; /* makes the call's times those of the wall, all alike */
	struct call_facts pair = cdr->facts; /* two of them are of the pair, as its numbers are */

	cdr->call = c->id;
	cdr_put(cdr->tenant, sizeof(cdr->tenant), bytes_str(call_tenant(h, c)));
	call_facts_fill(&cdr->facts, h, c);
	memcpy(cdr->facts.from_name, pair.from_name, sizeof(pair.from_name));
	memcpy(cdr->facts.answered_by, pair.answered_by, sizeof(pair.answered_by));
	number_fill(cdr->facts.answered_by, h, c);
	number_fill(cdr->from, h, c);
	number_fill(cdr->to, h, c);
	number_fill(cdr->forwarded_to, h, c);
	cdr->setup_utc_ms = steady_add(cdr->setup_utc_ms, wall_ms);
	cdr->ringing_utc_ms = steady_add(cdr->ringing_utc_ms, wall_ms);
	cdr->answer_utc_ms = steady_add(cdr->answer_utc_ms, wall_ms);
	cdr->end_utc_ms = steady_add(cdr->end_utc_ms, wall_ms);
	cdr->q850 = call_cause_q850(cause, cdr->sip_status);
	cdr_put(cdr->reason, sizeof(cdr->reason), bytes_str(call_cause_text(cause)));
}

uint32_t cdrs_count(const struct call *c)
{
	return c->segment_count + 1U;
}

void cdrs_fill(struct cdr *list, const struct call_host *h, const struct call *c)
{
	uint8_t last = c->segment_count;

	for (uint8_t i = 0; i < last; i++) {
		list[i] = c->segments[i].cdr;
		common_fill(&list[i], h, c, c->segments[i].cause);
	}
	last_fill(&list[last], c);
	common_fill(&list[last], h, c, c->cause);
	for (uint8_t i = 0; i <= last; i++) {
		list[i].pair = (uint8_t)(i + 1);
		list[i].pairs = (uint8_t)(last + 1);
		if (i) /* a history shows it once */
			list[i].facts.missed[0] = '\0';
	}
}

static uint64_t segment_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t talk_ms(const struct cdr *cdr)
{
	return cdr->answer_utc_ms ? cdr->end_utc_ms - cdr->answer_utc_ms : 0;
}

static void segment_fill(struct segment *s, struct call *c)
{
	struct cdr *cdr = &s->cdr;

	s->caller = c->bridge.caller;
	s->callee = c->bridge.callee;
	cdr_fill_setup(cdr, c);
	cdr->recordings = recordings_detach_pair(c);
	cdr->answer_utc_ms =
		c->answer_utc_ms ? segment_later(c->answer_utc_ms, c->setup_utc_ms) : 0;
}

/* Merges two: names, outcome and legs of the later one, the setup of the earlier, and the talk time
 * of both. */
static void segment_join(struct segment *to, const struct segment *next)
{
	struct segment both = *next;
	uint64_t talked = talk_ms(&to->cdr) + talk_ms(&next->cdr);

	both.cdr.setup_utc_ms = to->cdr.setup_utc_ms;
	if (to->cdr.ringing_utc_ms)
		both.cdr.ringing_utc_ms = to->cdr.ringing_utc_ms;
	if (talked)
		both.cdr.answer_utc_ms = both.cdr.end_utc_ms - talked;
	if (to->cdr.answer_utc_ms && !both.cdr.answer_utc_ms)
		both.cdr.answer_utc_ms = both.cdr.end_utc_ms;
	both.cdr.recordings |= to->cdr.recordings;
	if (!both.cdr.room)
		both.cdr.room = to->cdr.room;
	*to = both;
}

static int segment_keep(struct call *c, const struct segment *s)
{
	struct segment *list;

	if (c->segment_count == SEGMENTS_MAX) {
		segment_join(&c->segments[SEGMENTS_MAX - 1], s);
		return 0;
	}
	list = reallocarray(c->segments, c->segment_count + 1U, sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->segments = list;
	list[c->segment_count++] = *s;
	return 0;
}

/* It begins where the last one ended, whatever the clock says. */
static void cdr_next_segment(struct call *c, uint64_t end_utc_ms)
{
	c->setup_utc_ms = end_utc_ms;
	c->ringing_utc_ms = c->answer_utc_ms = 0;
	c->status = 0;
	c->in_room = c->member && !c->member->asks ? c->member->room : 0;
	c->cause = CAUSE_NONE;
}

int segment_end(struct call_host *h, struct call *c, enum call_cause cause, enum call_ended_by by)
{
	struct segment s = { .cause = cause };

	segment_fill(&s, c);
	s.cdr.ended_by = by;
	s.cdr.end_utc_ms =
		segment_later(h->now.utc_ms, segment_later(c->setup_utc_ms, c->answer_utc_ms));
	if (segment_keep(c, &s))
		return -ENOMEM;
	cdr_next_segment(c, s.cdr.end_utc_ms);
	return 0;
}

struct segment *segment_of(const struct call *c, uint8_t leg)
{
	for (uint8_t i = c->segment_count; i-- > 0;) {
		if (c->segments[i].caller == leg || c->segments[i].callee == leg)
			return &c->segments[i];
	}
	return NULL;
}

void segments_leg_gone(struct call *c, uint8_t leg)
{
	for (uint8_t i = 0; i < c->segment_count; i++) {
		struct segment *s = &c->segments[i];

		if (s->caller == leg)
			s->caller = LEG_NONE;
		if (s->callee == leg)
			s->callee = LEG_NONE;
	}
}

void segments_clear(struct call *c)
{
	free(c->segments);
	c->segments = NULL;
	c->segment_count = 0;
}

uint64_t segments_setup_utc_ms(const struct call *c)
{
	return c->segment_count ? c->segments[0].cdr.setup_utc_ms : c->setup_utc_ms;
}

uint64_t segments_answer_utc_ms(const struct call *c)
{
	for (uint8_t i = 0; i < c->segment_count; i++) {
		if (c->segments[i].cdr.answer_utc_ms)
			return c->segments[i].cdr.answer_utc_ms;
	}
	return c->answer_utc_ms;
}

uint64_t segments_talk_ms(const struct call *c)
{
	uint64_t sum = c->answer_utc_ms ? c->end_utc_ms - c->answer_utc_ms : 0;

	for (uint8_t i = 0; i < c->segment_count; i++)
		sum += talk_ms(&c->segments[i].cdr);
	return sum;
}

static bool times_fit(const struct cdr *cdr)
{
	return cdr->setup_utc_ms && cdr->setup_utc_ms <= cdr->end_utc_ms &&
	       cdr->answer_utc_ms <= cdr->end_utc_ms &&
	       (!cdr->answer_utc_ms || cdr->answer_utc_ms >= cdr->setup_utc_ms);
}

const char *segments_check(const struct call *c)
{
	for (uint8_t i = 0; i < c->segment_count; i++) {
		const struct cdr *cdr = &c->segments[i].cdr;
		uint64_t next = i + 1 < c->segment_count ? c->segments[i + 1].cdr.setup_utc_ms
							 : c->setup_utc_ms;

		if (!times_fit(cdr) || cdr->end_utc_ms != next)
			return "segment: times";
	}
	return NULL;
}
