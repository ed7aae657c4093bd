/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps each effect of the core (sig/host/effect.h) to its subsystem: SIP transport, store, media
 * queue, players, events, log. The shard is pure; this file gives it the world, and
 * app/daemon/round.c calls it at the end of each round. Order matters: a message leaves only behind
 * the save that explains it, and an open flow needs its sockets first: those held by the keeper,
 * bound ahead, or new.
 */

#include "app/effect/effects.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/doctor/ended.h"
#include "app/effect/ahead.h"
#include "app/effect/answers.h"
#include "app/effect/mixers.h"
#include "app/effect/plays.h"
#include "app/keeper/sockets.h"
#include "app/schema/fields.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/validity.h"
#include "engine/engine.h"
#include "sig/transport/inter_shard.h"
#include "sig/transport/transport.h"

static struct {
	metric_id bind_failed, prebound, queue_full;
	struct histogram save;
} g_effects_metrics;

#define MS(value, text)                           \
	{                                         \
		(value) * 1000, "le=\"" text "\"" \
	}

static const struct histogram_bound g_save_bounds[] = {
	{ 250, "le=\"0.00025\"" },
	{ 500, "le=\"0.0005\"" },
	MS(1, "0.001"),
	{ 2500, "le=\"0.0025\"" },
	MS(5, "0.005"),
	MS(10, "0.01"),
	MS(25, "0.025"),
	MS(50, "0.05"),
	MS(100, "0.1"),
	MS(250, "0.25"),
	MS(1000, "1"),
	{ UINT64_MAX, "le=\"+Inf\"" },
};

void effects_setup(void)
{
	histogram_open(&g_effects_metrics.save, "tandem_save_seconds", NULL,
		       "From the request for a save, or the end of a call, to the store's "
		       "acknowledgement.",
		       g_save_bounds, 1000000);
	g_effects_metrics.bind_failed =
		metric_register(METRIC_COUNTER, "tandem_media_bind_failed_total", NULL,
				"Media ports that could not be bound for a call.");
	g_effects_metrics.prebound = metric_register(
		METRIC_COUNTER, "tandem_media_bound_ahead_total", NULL,
		"Media flows of shards that other nodes gave, opened with sockets that were bound "
		"before that.");
	g_effects_metrics.queue_full =
		metric_register(METRIC_COUNTER, "tandem_media_queue_full_total", NULL,
				"Commands to the media worker lost because too many waited.");
}

/* To another shard: from here on the message is with that one, or with the node that has it. */
static int carry_send_inside(struct effects_to *to, const struct request_send *send)
{
	struct bytes message = text_bytes(&send->data);
	int err = -EHOSTUNREACH;
	uint64_t now_ns;

	if (validity_has_ended(to->validity, &now_ns) &&
	    validity_is_past(to->validity, to->place, now_ns)) {
		validity_withhold(to->validity, to->place);
		return 0;
	}
	if (to->inter_shard)
		err = inter_shard_send(to->inter_shard, to->shard, &send->hop, message);
	return err == -EHOSTUNREACH
		       ? to->away(to->shard, inter_shard_of(&send->hop.remote), message, to->node)
		       : err;
}

static void carry_send(struct effects_to *to, struct effect *e)
{
	const struct request_send *send = e->request;
	int err;

	to->passed(&send->hop, true, send->sender, text_bytes(&send->data), send->why, to->node);
	if (send->hop.transport == SIP_INTER_SHARD)
		err = carry_send_inside(to, send);
	else
		err = transport_send_for(to->sip, to->place, &send->hop, text_bytes(&send->data));

	/* A full queue is no verdict on the peer: we or it sends again. */
	if (err && err != -ENOBUFS) {
		struct answer a = { .kind = ANSWER_SEND_FAILED,
				    .error = -err,
				    .hop = send->hop,
				    .shard = to->shard };

		answers_add(to->answers, &a);
	}
}

/* The answer as it will be fed: with the version that the store reports, or none. */
struct save {
	struct effects_to *to;
	uint64_t begun_ns;
	struct answer answer;
};

/* Takes over the answer's texts. NULL: no memory, and the shard is told that the save failed. */
static struct save *save_start(struct effects_to *to, struct answer *answer)
{
	struct save *save = calloc(1, sizeof(*save));

	if (save) {
		*save = (struct save){ .to = to, .begun_ns = clock_now_ns(), .answer = *answer };
		return save;
	}
	LOG_ERROR("effects", answer->call, "out of memory: something is not saved");
	answer->binding = BINDING_FAILED;
	answers_add(to->answers, answer);
	return NULL;
}

static enum location_result binding_result(enum store_result result)
{
	switch (result) {
	case STORE_OK:
		return BINDING_SAVED;
	case STORE_CONFLICT:
		return BINDING_CONFLICT;
	case STORE_FENCED:
	case STORE_UNKNOWN:
	case STORE_REFUSED:
		return BINDING_FAILED;
	}
	return BINDING_FAILED;
}

static void on_saved(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct save *save = arg;

	(void)key;
	(void)version;
	if (result == STORE_FENCED)
		*save->to->fenced = true;
	save->answer.ok = result == STORE_OK;
	if (result == STORE_OK)
		histogram_add(&g_effects_metrics.save,
			      (clock_now_ns() - save->begun_ns) / NS_PER_US);
	save->answer.binding = binding_result(result);
	answers_add(save->to->answers, &save->answer);
	free(save);
}

static void carry_call_save(struct effects_to *to, struct effect *e)
{
	const struct request_save *of = e->request;
	struct answer answer = { .kind = ANSWER_CALL_SAVED,
				 .call = e->call,
				 .version = of->version,
				 .ok = of->record.n == 0 };
	struct save *save;

	if (answer.ok) {
		answers_add(to->answers, &answer);
		return;
	}
	save = save_start(to, &answer);
	if (save)
		store_call_save(to->store, e->call, of->version, text_bytes(&of->record), on_saved,
				save);
}

static void carry_subscription_save(struct effects_to *to, struct effect *e)
{
	const struct request_save *of = e->request;
	struct answer answer = { .kind = ANSWER_SUBSCRIPTION_SAVED,
				 .call = e->call,
				 .version = of->version };
	struct save *save = save_start(to, &answer);

	if (save)
		store_subscription_save(to->store, e->call, of->version, text_bytes(&of->record),
					on_saved, save);
}

static_assert((int)STORE_OBJECT_KINDS == (int)OBJECT_KINDS, "a hash for each");

static void carry_object_save(struct effects_to *to, struct effect *e)
{
	const struct request_object_save *of = e->request;
	struct answer answer = { .kind = ANSWER_OBJECT_SAVED,
				 .call = e->call,
				 .version = of->save.version };
	struct save *save = save_start(to, &answer);

	if (save)
		store_object_save(to->store, (enum store_objects)of->kind, e->call,
				  of->save.version, text_bytes(&of->save.record), on_saved, save);
}

/* A restored call may have ended before this machine was started. */
static uint64_t call_ended_ns(const struct request_call_end *end)
{
	uint64_t now_ns = clock_now_ns(), ago_ns = end->ago_ms * NS_PER_MS;

	return ago_ns < now_ns ? now_ns - ago_ns : 0;
}

static void carry_call_end(struct effects_to *to, struct effect *e)
{
	const struct request_call_end *end = e->request;
	struct answer answer = { .kind = ANSWER_CALL_ENDED, .call = e->call };
	struct save *save = save_start(to, &answer);
	struct bytes findings = { 0 };

	if (!save)
		return;
	if (to->ended) {
		ended_record(to->ended, &end->cdrs.list[end->cdrs.count - 1], clock_now_ns());
		findings = ended_findings(to->ended, e->call);
	}
	cdrs_write(&to->cdrs, end->cdrs.list, end->cdrs.count, text_bytes(&end->toll), findings);
	store_call_end(to->store, e->call,
		       &(struct store_ended){ .cdr = to->cdrs.list,
					      .fields = to->cdrs.count,
					      .ended_ns = call_ended_ns(end),
					      .again = end->again },
		       on_saved, save);
}

static void carry_call_open(struct effects_to *to, struct effect *e)
{
	const struct request_cdrs *cdrs = e->request;

	cdrs_write(&to->cdrs, cdrs->list, cdrs->count, (struct bytes){ 0 }, (struct bytes){ 0 });
	store_call_open(to->store, e->call, to->cdrs.list, to->cdrs.count);
}

static void carry_binding_save(struct effects_to *to, struct effect *e)
{
	struct request_binding_save *of = e->request;
	struct answer answer = { .kind = ANSWER_BINDING_SAVED,
				 .version = of->version,
				 .tenant = of->tenant,
				 .user = of->user };
	struct save *save;

	of->tenant = of->user = (struct text){ 0 }; /* the answer's now */
	save = save_start(to, &answer);
	if (save)
		store_binding_save(to->shared, text_bytes(&save->answer.tenant),
				   text_bytes(&save->answer.user), of->expected, of->version,
				   text_bytes(&of->record), of->ttl_ms, on_saved, save);
}

static void on_got(enum store_result result, struct bytes record, void *arg)
{
	struct save *save = arg;

	save->answer.binding = binding_result(result);
	if (text_set(&save->answer.record, record))
		save->answer.binding = BINDING_FAILED;
	answers_add(save->to->answers, &save->answer);
	free(save);
}

static void carry_binding_get(struct effects_to *to, struct effect *e)
{
	struct request_binding_get *of = e->request;
	struct answer answer = { .kind = ANSWER_BINDING_GOT,
				 .tenant = of->tenant,
				 .user = of->user };
	struct save *save;

	of->tenant = of->user = (struct text){ 0 };
	save = save_start(to, &answer);
	if (save)
		store_binding_get(to->shared, text_bytes(&save->answer.tenant),
				  text_bytes(&save->answer.user), on_got, save);
}

static void media_fail(struct effects_to *to, const struct media_command *command, uint64_t call,
		       int error)
{
	struct answer a = {
		.kind = ANSWER_MEDIA_FAILED, .flow = command->spec.id, .call = call, .error = error
	};

	answers_add(to->answers, &a);
}

/* Sockets of the former process, with packets that came meanwhile. */
static bool media_claim(struct effects_to *to, struct media_command *command)
{
	const struct flow_spec *spec = &command->spec;
	const struct addr local[SOCKETS_PER_FLOW] = { spec->local_rtp, spec->local_rtcp };
	struct sockets s;

	if (!sockets_claim(to->sockets, spec->id.slot, local, &s))
		return false;
	engine_bound_before(s.fd[0], s.fd[1], local[0].family, spec->dscp,
			    clock_now_ns() - s.since_ns > SOCKETS_STALE_NS);
	command->rtp_fd = s.fd[0];
	command->rtcp_fd = s.fd[1];
	return true;
}

static void media_hold(struct effects_to *to, const struct media_command *command)
{
	const struct flow_spec *spec = &command->spec;
	const struct sockets s = { .local = { spec->local_rtp, spec->local_rtcp },
				   .fd = { command->rtp_fd, command->rtcp_fd } };

	(to->hurries ? sockets_hold_later : sockets_hold)(to->sockets, spec->id.slot, &s);
}

/* For a shard that just came from another node. */
static bool media_prebound(struct effects_to *to, struct media_command *command)
{
	const struct flow_spec *spec = &command->spec;
	int fd[2];

	if (!to->ahead ||
	    !prebound_pop(to->ahead, &spec->local_rtp, &spec->local_rtcp, spec->dscp, fd))
		return false;
	command->rtp_fd = fd[0];
	command->rtcp_fd = fd[1];
	media_hold(to, command);
	metric_add(g_effects_metrics.prebound, 1);
	return true;
}

static bool media_bind(struct effects_to *to, struct media_command *command, uint64_t call)
{
	const struct flow_spec *spec = &command->spec;
	bool again = clock_now_ns() < to->bind_again_until_ns;
	int err = (again ? engine_bind_again : engine_bind)(&spec->local_rtp, &spec->local_rtcp,
							    spec->dscp, &command->rtp_fd,
							    &command->rtcp_fd);

	if (!err) {
		media_hold(to, command);
		return true;
	}
	metric_add(g_effects_metrics.bind_failed, 1);
	LOG_WARN("media", call, "cannot bind media ports", LOG_ADDR("local", &spec->local_rtp),
		 LOG_STR("error", strerror(-err)));
	media_fail(to, command, call, err);
	return false;
}

static void media_drop(struct effects_to *to, struct media_command *command, uint64_t call)
{
	metric_add(g_effects_metrics.queue_full, 1);
	LOG_ERROR("media", call, "the media worker does not keep up: a command is lost",
		  LOG_INT("kind", command->kind));
	if (command->kind == MEDIA_FLOW_OPEN) {
		if (command->rtp_fd >= 0)
			(void)close(command->rtp_fd);
		if (command->rtcp_fd >= 0)
			(void)close(command->rtcp_fd);
		sockets_drop(to->sockets, command->spec.id.slot);
		media_fail(to, command, call, -EAGAIN);
	}
	free(command);
}

static void carry_media(struct effects_to *to, struct effect *e)
{
	struct request_media *media = e->request;
	struct media_command *command = media->command;

	assert(command);
	command->rtp_fd = command->rtcp_fd = -1;
	if (command->kind == MEDIA_FLOW_OPEN || command->kind == MEDIA_FLOW_UPDATE)
		command->spec.place = to->place;
	if (command->kind == MEDIA_FLOW_OPEN && !command->spec.shared_port &&
	    !media_claim(to, command) && !media_prebound(to, command) &&
	    !media_bind(to, command, e->call))
		return;
	if (command->kind == MEDIA_FLOW_CLOSE)
		sockets_drop(to->sockets, command->id.slot);
	media->command = NULL; /* the queue's now */
	if (media_queue_put(to->media, command))
		media_drop(to, command, e->call);
}

/* Features may hear it, too. */
static void carry_event(struct effects_to *to, struct effect *e)
{
	const struct sig_event *event = e->request;
	struct bytes tenant = bytes_str(event->tenant);
	struct bytes application = bytes_str(event->application);
	struct writer w = writer_over(to->json, sizeof(to->json));

	event_write_json(&w, event);
	assert(!w.overflow);
	if (!application.n || event_rows[event->kind].audience == EVENT_FOR_TENANT)
		store_event(to->shared, tenant, (struct bytes){ 0 }, writer_done(&w));
	if (application.n)
		store_event(to->shared, tenant, application, writer_done(&w));
	if (to->carries[EFFECT_EVENT])
		to->carries[EFFECT_EVENT](e, to->node);
}

/* So few of them that the log's limits hold none back. */
static void carry_security(struct effects_to *to, struct effect *e)
{
	const struct security_event *event = e->request;
	char source[ADDR_TEXT_MAX];
	struct fields fields;

	LOG_WARN("security", 0, security_kind_sentence(event->kind),
		 LOG_STR("kind", security_kind_name(event->kind)),
		 LOG_STR("source", fields_security_source(event, source)),
		 LOG_STR("user", event->user), LOG_STR("detail", event->detail),
		 LOG_U64("count", event->count));
	fields_of_security(&fields, event);
	store_security(to->shared, fields.list, fields.count);
}

static void carry_trust(struct effects_to *to, struct effect *e)
{
	const struct request_trust *trust = e->request;

	transport_trust(to->sip, &trust->hop, trust->peer);
}

static void carry_play(struct effects_to *to, struct effect *e)
{
	const struct request_play *play = e->request;
	const struct play_wanted wanted = { .codec = play->codec,
					    .tenant = text_bytes(&play->tenant),
					    .language = text_bytes(&play->language),
					    .file = text_bytes(&play->file),
					    .start_ms = play->begin_ms,
					    .resumed = play->resumed,
					    .spared = play->spared };

	plays_start(to->plays, e->call, e->serial, &wanted, clock_now_ns());
}

static void carry_play_digit(struct effects_to *to, struct effect *e)
{
	const struct request_play_digit *play = e->request;

	plays_key(to->plays, e->call, e->serial, play->digit);
}

static void carry_play_stop(struct effects_to *to, struct effect *e)
{
	plays_stop(to->plays, e->call, e->serial);
}

static void carry_room_play(struct effects_to *to, struct effect *e)
{
	plays_room(to->plays, e, clock_now_ns());
}

static void carry_room_tap(struct effects_to *to, struct effect *e)
{
	plays_room_tap(to->plays, e);
}

static void carry_room_open(struct effects_to *to, struct effect *e)
{
	mixers_start(to->mixers, e);
}

static void carry_room_close(struct effects_to *to, struct effect *e)
{
	mixers_end(to->mixers, e->call, e->serial);
}

static void carry_media_stream(struct effects_to *to, struct effect *e)
{
	const struct request_media_stream *stream = e->request;
	const struct lives_want want = { .id = e->serial,
					 .call = e->call,
					 .tenant = text_bytes(&stream->tenant),
					 .endpoint = text_bytes(&stream->endpoint),
					 .leg = stream->of_callee ? 'b' : 'a',
					 .resumed = stream->resumed,
					 .said = stream->sides & MEDIA_STREAM_FROM_PARTY,
					 .heard = stream->sides & MEDIA_STREAM_TO_PARTY,
					 .tap_number = stream->number };
	struct reply failed = { .ask = ASK_MEDIA_STREAM,
				.of = e->call,
				.media_stream = { .kind = MEDIA_STREAM_FAILED,
						  .serial = e->serial } };

	failed.media_stream.reason = lives_stream_open(to->plays->lives, &want);
	if (failed.media_stream.reason)
		answers_reply(to->answers, &failed);
}

static void carry_media_stream_stop(struct effects_to *to, struct effect *e)
{
	const struct request_media_stream_stop *stop = e->request;

	lives_stream_close(to->plays->lives, e->serial, text_bytes(&stop->why));
}

static void carry_park(struct effects_to *to, struct effect *e)
{
	parks_carry(to->shared, to->answers, to->shard, e);
}

static void carry_kept(struct effects_to *to, struct effect *e)
{
	kept_carry(to->shared, to->answers, to->shard, e);
}

/* Kinds that are not here are carried out by other parts of the node: effects_to.carries. */
static void (*const g_carries[EFFECT_KINDS])(struct effects_to *to, struct effect *e) = {
	[EFFECT_SEND] = carry_send,
	[EFFECT_CALL_SAVE] = carry_call_save,
	[EFFECT_CALL_END] = carry_call_end,
	[EFFECT_CALL_OPEN] = carry_call_open,
	[EFFECT_BINDING_SAVE] = carry_binding_save,
	[EFFECT_BINDING_GET] = carry_binding_get,
	[EFFECT_SUBSCRIPTION_SAVE] = carry_subscription_save,
	[EFFECT_OBJECT_SAVE] = carry_object_save,
	[EFFECT_MEDIA] = carry_media,
	[EFFECT_EVENT] = carry_event,
	[EFFECT_TRUST] = carry_trust,
	[EFFECT_SECURITY] = carry_security,
	[EFFECT_PLAY] = carry_play,
	[EFFECT_PLAY_DIGIT] = carry_play_digit,
	[EFFECT_PLAY_STOP] = carry_play_stop,
	[EFFECT_ROOM_OPEN] = carry_room_open,
	[EFFECT_ROOM_CLOSE] = carry_room_close,
	[EFFECT_ROOM_PLAY] = carry_room_play,
	[EFFECT_ROOM_TAP] = carry_room_tap,
	[EFFECT_MEDIA_STREAM] = carry_media_stream,
	[EFFECT_MEDIA_STREAM_STOP] = carry_media_stream_stop,
	[EFFECT_PARK] = carry_park,
	[EFFECT_KV] = carry_kept,
};

static void carry_one(struct effects_to *to, struct effect *e)
{
	if (g_carries[e->kind])
		g_carries[e->kind](to, e);
	else
		to->carries[e->kind](e, to->node);
}

void effects_carry_out(struct effects_to *to, struct effects *e)
{
	for (uint32_t i = 0; i < e->count && !*to->fenced; i++)
		carry_one(to, &e->list[i]);
	effects_clear(e);
}

/* Sounds, and flows without sockets of their own, wait for what comes before them. */
static bool open_prebound(struct effect *e, void *arg)
{
	struct effects_to *to = arg;
	const struct request_media *media = e->kind == EFFECT_MEDIA ? e->request : NULL;
	const struct media_command *c = media ? media->command : NULL;

	if (!c || c->kind != MEDIA_FLOW_OPEN || c->spec.shared_port ||
	    c->spec.source.job.generation ||
	    !prebound_has(to->ahead, &c->spec.local_rtp, &c->spec.local_rtcp, c->spec.dscp))
		return false;
	carry_media(to, e);
	return true;
}

void effects_open_prebound(struct effects_to *to, struct effects *e)
{
	if (to->ahead->left && !*to->fenced)
		effects_sift(e, open_prebound, to);
}
