/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard on virtual time, with a store and an engine that answer as told, and phones that say what a test tells them to. No cmocka
 * here: fuzz targets and benchmarks use it too. Everything that was sent is kept until the end.
 */
#ifndef TESTS_UNIT_SIG_RIG_H
#define TESTS_UNIT_SIG_RIG_H

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/feature/features.h"
#include "sig/host/settings.h"
#include "sig/shard/shard.h"
#include "tests/event_value.h"
#include "tests/unit/sig/orders.h"

enum { RIG_LOOKUPS_MAX = 2048, RIG_SENT_MAX = 4096, RIG_LIST_MAX = 256, RIG_TEXT_MAX = 4096 };

struct rig_sent {
	struct sip_hop hop;
	struct text data;
	uint64_t ns, sender;
	bool taken;
};

struct rig_save {
	enum effect_kind kind;
	uint64_t call, version, expected, ttl_ms;
	struct text tenant, user, record;
	bool again;
	bool answered;
};

struct rig {
	struct shard *shard;
	struct locations *locations;
	struct shard_settings settings;
	struct rand_source rand;
	struct instant now;
	struct rig_sent sent[RIG_SENT_MAX];
	uint32_t sent_count;
	struct rig_save saves[RIG_LIST_MAX]; /* all that were asked for */
	uint32_t save_count;
	struct cdr cdrs[RIG_LIST_MAX];
	uint32_t cdr_count;
	struct cdr open; /* the last pair of the last EFFECT_CALL_OPEN */
	uint32_t open_count;
	struct sig_event events[RIG_LIST_MAX];
	uint32_t event_count;
	char states[2][16];    /* as the last event has them */
	uint32_t state_events; /* SIG_CALL_STATE, which are in no list here */
	struct media_command media[RIG_LIST_MAX];
	uint32_t media_count;
	struct sip_hop trusted;       /* the last one that was */
	struct request_ordered order; /* the last one */
	uint32_t order_count;
	uint64_t play; /* serial of the last EFFECT_PLAY */
	enum media_codec play_codec;
	char played[80], play_language[16];
	uint64_t play_ms;  /* where it was to begin */
	bool play_resumed; /* it was played before this process */
	bool play_spared;  /* somebody makes up for it */
	uint32_t play_count, play_stops;
	struct request_media_stream listen; /* of the last EFFECT_MEDIA_STREAM */
	uint64_t listen_serial;
	char listener[40];
	uint32_t listen_count, listen_stops;
	char play_key; /* the newest that was pressed while something was played to an application */
	struct rig_record {
		uint64_t call;
		struct request_record record;
		char tenant[32], facts[1024];
	} records[RIG_LOOKUPS_MAX]; /* all EFFECT_RECORD, as lookups below */
	uint32_t record_count;
	struct media_fork fork; /* the last EFFECT_FORK that had one */
	bool forks;             /* ... and it was the last one */
	uint32_t fork_count;
	struct rig_park {
		uint64_t call, serial;
		enum park_act act;
		char tenant[32], slot[16], entry[64];
	} parks[RIG_LOOKUPS_MAX]; /* all EFFECT_PARK, as lookups below */
	uint32_t park_count;
	struct rig_kept {
		uint64_t call, serial, ttl_ms;
		enum kept what;
		char tenant[32], user[32], value[64];
	} kept[RIG_LOOKUPS_MAX]; /* all EFFECT_KV, as lookups below */
	struct {
		uint64_t call, serial;
		char user[32], number[64];
		uint32_t count;
	} contact; /* the last EFFECT_CONTACT */
	struct {
		uint64_t call, serial;
		char user[32];
		uint32_t count;
	} wake; /* the last EFFECT_WAKE */
	uint32_t kept_count;
	uint64_t program; /* the serial of the last EFFECT_PROGRAM */
	uint64_t help;    /* and of the last EFFECT_HELPER, with */
	char help_data[4096];
	uint32_t help_count;
	struct {
		uint64_t call, serial;
		char tenant[32], box[64], by[64];
		struct box_order order;
		uint32_t count;
	} box; /* the last EFFECT_BOX */
	uint32_t program_count;
	struct rig_mixer {
		uint64_t room, serial;
		struct media_room terms;
		bool told, closed;
	} mixers[16]; /* all EFFECT_ROOM_OPEN */
	uint32_t mixer_count;
	struct rig_part {
		uint64_t room, serial, from_ms;
		enum effect_kind kind;
		struct job_id job;
		uint32_t rate_hz;
		uint8_t number;
		bool resumed, stopped;
		struct media_room_tone tone;
		char file[80];
	} parts[32]; /* all EFFECT_ROOM_PLAY and EFFECT_ROOM_TAP */
	uint32_t part_count;
	bool hold_mixers; /* none of them opens */
	struct {
		uint64_t call, room;
		uint8_t dialog;
		char user[64];
		uint32_t count;
	} to_conference;              /* the last EFFECT_CONFERENCE */
	uint64_t set;                 /* serial of the last EFFECT_SET */
	struct publish_reply publish; /* of the last EFFECT_PUBLISH */
	uint64_t publish_of;
	char page[16384]; /* the last EFFECT_USER */
	uint32_t page_number, page_count;
	char published[256];
	uint32_t publish_count;
	enum feature_action set_feature;
	char set_user[64], set_number[FEATURE_VALUE_MAX];
	uint32_t set_count;
	struct {
		uint64_t call, serial;
		char host[64];
	} lookups[RIG_LOOKUPS_MAX]; /* all EFFECT_LOOKUP, the newest ones over the oldest */
	uint32_t lookup_count, lookup_stops;
	uint64_t lookup_stopped;        /* the last one */
	struct security_event security; /* the last one */
	uint32_t security_count;
	struct sip_hop trusted_udp;
	char node[16];        /* its name where there are others; "": it is alone */
	uint64_t incarnation; /* of the shard that is started next; 0: not told */
	bool hold_saves;      /* the store says nothing */
	bool fail_saves;      /* the store says no */
	bool hold_media;      /* the engine says nothing */
	uint16_t local;       /* of the node's addresses the one that is spoken to */
	bool rolling;         /* a full list forgets its oldest half */
	void (*seen)(struct rig *r, const struct effect *e); /* each effect, before anything else */
};

#define RIG_FN static __attribute__((unused))

RIG_FN struct addr rig_addr(const char *text)
{
	struct addr a;
	int err = addr_parse(&a, bytes_str(text));

	assert(!err);
	(void)err;
	return a;
}

RIG_FN struct shard_settings rig_settings(void)
{
	struct shard_settings s = {
		.number = 7,
		.boot = 1,
		.server = "tandem",
		.local_count = 1,
		.locals = { { .bind = rig_addr("192.0.2.1:5060"),
			      .advertise = rig_addr("192.0.2.1:5060") } },
		.network_count = 1,
		.networks = { { .name = "main",
				.media_bind = rig_addr("192.0.2.1"),
				.media_advertise = rig_addr("192.0.2.1"),
				.first_port = 20000,
				.last_port = 20199 } },
		.info_type_count = 1,
		.info_types = { "*" },
		.trusted_count = 1,
		.trusted = { { .net = rig_addr("192.0.2.0"), .bits = 24 } },
		.registrar = { .expires_s = 90,
			       .expires_min_s = 30,
			       .expires_max_s = 3600,
			       .contacts_max = 5 },
		.latch = LATCH_SAME_IP,
		.fingerprint = { .hash = MEDIA_HASH_SHA256, .octets = { 0xab, 0xcd } },
		.video = true,
		.digits_shown = true,
		.calls.ring_timeout_ns = 180 * NS_PER_S,
		.port_rest_ns = 1 * NS_PER_S,
		.conferences = { .station_members = 8, .succession = true, .release = true },
		.features = sig_features,
		.calls_max = 64,
		.registrations_max = 64,
		.txns_max = 512,
		.subscriptions_max = 64,
	};

	memcpy(s.digest.realm, "test.local", sizeof("test.local"));
	s.digest.nonce_lifetime_ms = 60000;
	s.digest.key[0] = 1;
	return s;
}

/* Hashing them takes longer than a short run of a fuzz target. */
static bool rig_without_secrets;

RIG_FN struct shard_extension rig_extension(const char *number, bool early_media)
{
	struct shard_extension e = { .early_media = early_media, .enabled = true };

	(void)bytes_cstr(bytes_str(number), e.number, sizeof(e.number));
	if (rig_without_secrets)
		return e;
	digest_secret_make(&e.secret, bytes_str(number), bytes_str("test.local"),
			   bytes_str("secret"));
	return e;
}

RIG_FN void rig_start_shard(struct rig *r)
{
	struct rand_source rand;
	int err;

	locations_close(r->locations); /* of a shard before, which is closed */
	rand_open_seed(&rand, 43);
	err = locations_open(&r->locations, &r->settings, r->node, &rand, r->now);
	assert(!err);
	err = shard_open(&r->shard, &r->settings, r->locations, &r->rand, r->now);
	assert(!err);
	shard_incarnate(r->shard, r->incarnation);
	for (int i = 1001; i <= 1004 && !err; i++) {
		char number[8];
		struct shard_extension e;

		(void)snprintf(number, sizeof(number), "%d", i);
		e = rig_extension(number, i == 1003);
		err = shard_extension_put(r->shard, &e);
		assert(!err);
	}
}

RIG_FN struct rig *rig_open_with(const struct shard_settings *settings)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert(r);
	log_level_set(LOG_LEVEL_ERROR);
	r->settings = *settings;
	r->now = (struct instant){ .ns = 1000 * NS_PER_S, .utc_ms = UINT64_C(1750000000000) };
	rand_open_seed(&r->rand, 42);
	rig_start_shard(r);
	return r;
}

RIG_FN struct rig *rig_open(void)
{
	struct shard_settings s = rig_settings();

	return rig_open_with(&s);
}

RIG_FN void rig_close(struct rig *r)
{
	for (uint32_t i = 0; i < r->sent_count; i++)
		text_clear(&r->sent[i].data);
	for (uint32_t i = 0; i < r->save_count; i++) {
		text_clear(&r->saves[i].record);
		text_clear(&r->saves[i].tenant);
		text_clear(&r->saves[i].user);
	}
	for (uint32_t i = 0; i < RIG_LIST_MAX; i++)
		event_clear(&r->events[i]);
	shard_close(r->shard);
	locations_close(r->locations);
	free(r);
}

/* Its number; 0: the event names none. */
RIG_FN unsigned rig_event_recording(const struct sig_event *event)
{
	const char *number = strchr(event_str(event, EV_RECORDING), '-');

	return number ? (unsigned)atoi(number + 1) : 0;
}

/* ---- carrying out effects ---- */

RIG_FN void rig_forget_sent(struct rig *r)
{
	uint32_t half = RIG_SENT_MAX / 2;

	assert(r->rolling);
	for (uint32_t i = 0; i < half; i++)
		text_clear(&r->sent[i].data);
	memmove(r->sent, r->sent + half, half * sizeof(r->sent[0]));
	r->sent_count = half;
}

RIG_FN void rig_forget_saves(struct rig *r)
{
	uint32_t half = RIG_LIST_MAX / 2;

	assert(r->rolling);
	for (uint32_t i = 0; i < half; i++) {
		text_clear(&r->saves[i].record);
		text_clear(&r->saves[i].tenant);
		text_clear(&r->saves[i].user);
	}
	memmove(r->saves, r->saves + half, half * sizeof(r->saves[0]));
	r->save_count = half;
}

/* Whole lines up to the empty one, one Content-Length, and a body of that length. */
RIG_FN bool rig_is_whole(struct bytes message)
{
	const uint8_t *end = message.n ? memmem(message.p, message.n, "\r\n\r\n", 4) : NULL;
	struct bytes head, line;
	unsigned found = 0;

	if (!end)
		return false;
	head = bytes_sub(message, 0, (size_t)(end - message.p) + 2);
	(void)bytes_cut(&head, '\n', &line);
	while (bytes_cut(&head, '\n', &line)) {
		uint64_t n;

		if (line.n < 2 || line.p[line.n - 1] != '\r' || bytes_find(line, ':') == line.n)
			return false;
		if (!bytes_istarts(line, "Content-Length:"))
			continue;
		found++;
		line = bytes_trim(bytes_from(line, strlen("Content-Length:")));
		if (bytes_u64(line, &n) || n != message.n - (size_t)(end + 4 - message.p))
			return false;
	}
	return found == 1;
}

RIG_FN void rig_keep_sent(struct rig *r, struct effect *e)
{
	struct request_send *send = e->request;

	assert(rig_is_whole(text_bytes(&send->data)));
	if (r->sent_count == RIG_SENT_MAX)
		rig_forget_sent(r);
	r->sent[r->sent_count++] = (struct rig_sent){
		.hop = send->hop, .data = send->data, .ns = r->now.ns, .sender = send->sender
	};
	send->data = (struct text){ 0 };
}

RIG_FN void rig_keep_binding(struct rig_save *to, struct effect *e)
{
	struct request_binding_get *of = e->request; /* as a save begins */
	struct request_binding_save *save = e->request;

	to->tenant = of->tenant;
	to->user = of->user;
	of->tenant = of->user = (struct text){ 0 };
	if (e->kind == EFFECT_BINDING_GET)
		return;
	to->version = save->version;
	to->expected = save->expected;
	to->ttl_ms = save->ttl_ms;
	to->record = save->record;
	save->record = (struct text){ 0 };
}

RIG_FN void rig_keep_end(struct rig *r, struct rig_save *to, struct request_call_end *end)
{
	const struct request_cdrs *cdrs = &end->cdrs;

	to->again = end->again;
	to->record = end->toll;
	end->toll = (struct text){ 0 };
	if (r->rolling && r->cdr_count + cdrs->count > RIG_LIST_MAX)
		r->cdr_count = 0;
	assert(r->cdr_count + cdrs->count <= RIG_LIST_MAX);
	for (uint32_t i = 0; i < cdrs->count; i++)
		r->cdrs[r->cdr_count++] = cdrs->list[i];
}

RIG_FN void rig_keep_save(struct rig *r, struct effect *e)
{
	struct request_save *save = e->request; /* of an object, too */
	struct rig_save *to;

	if (r->save_count == RIG_LIST_MAX)
		rig_forget_saves(r);
	to = &r->saves[r->save_count++];
	*to = (struct rig_save){ .kind = e->kind, .call = e->call };
	if (e->kind == EFFECT_BINDING_SAVE || e->kind == EFFECT_BINDING_GET) {
		rig_keep_binding(to, e);
	} else if (e->kind == EFFECT_CALL_END) {
		rig_keep_end(r, to, e->request);
	} else {
		to->version = save->version;
		to->record = save->record;
		save->record = (struct text){ 0 };
	}
}

RIG_FN void rig_keep_record(struct rig *r, const struct effect *e)
{
	const struct request_record *record = e->request;
	struct rig_record *to = &r->records[r->record_count++ % RIG_LOOKUPS_MAX];

	*to = (struct rig_record){ .call = e->call, .record = *record };
	to->record.tenant = to->record.facts = (struct text){ 0 };
	(void)bytes_cstr(text_bytes(&record->tenant), to->tenant, sizeof(to->tenant));
	(void)bytes_cstr(text_bytes(&record->facts), to->facts, sizeof(to->facts));
}

RIG_FN void rig_keep_fork(struct rig *r, const struct effect *e)
{
	const struct request_fork *request = e->request;

	r->forks = request->fork != NULL;
	if (request->fork)
		r->fork = *request->fork;
	r->fork_count++;
}

RIG_FN void rig_keep_park(struct rig *r, const struct effect *e)
{
	const struct request_park *park = e->request;
	struct rig_park *to = &r->parks[r->park_count++ % RIG_LOOKUPS_MAX];

	*to = (struct rig_park){ .call = e->call, .serial = e->serial, .act = park->act };
	(void)bytes_cstr(text_bytes(&park->tenant), to->tenant, sizeof(to->tenant));
	(void)bytes_cstr(text_bytes(&park->slot), to->slot, sizeof(to->slot));
	(void)bytes_cstr(text_bytes(&park->entry), to->entry, sizeof(to->entry));
}

RIG_FN void rig_keep_kept(struct rig *r, const struct effect *e)
{
	const struct request_kv *kept = e->request;
	struct rig_kept *to = &r->kept[r->kept_count++ % RIG_LOOKUPS_MAX];

	*to = (struct rig_kept){
		.call = e->call, .serial = e->serial, .ttl_ms = kept->ttl_ms, .what = kept->what
	};
	(void)bytes_cstr(text_bytes(&kept->tenant), to->tenant, sizeof(to->tenant));
	(void)bytes_cstr(text_bytes(&kept->user), to->user, sizeof(to->user));
	(void)bytes_cstr(text_bytes(&kept->value), to->value, sizeof(to->value));
}

RIG_FN void rig_keep_contact(struct rig *r, const struct effect *e)
{
	const struct request_contact *wanted = e->request;

	r->contact.call = e->call;
	r->contact.serial = e->serial;
	r->contact.count++;
	(void)bytes_cstr(text_bytes(&wanted->user), r->contact.user, sizeof(r->contact.user));
	(void)bytes_cstr(text_bytes(&wanted->number), r->contact.number, sizeof(r->contact.number));
}

RIG_FN void rig_keep_wake(struct rig *r, const struct effect *e)
{
	const struct request_wake *wanted = e->request;

	r->wake.call = e->call;
	r->wake.serial = e->serial;
	r->wake.count++;
	(void)bytes_cstr(text_bytes(&wanted->user), r->wake.user, sizeof(r->wake.user));
}

RIG_FN void rig_keep_lookup(struct rig *r, const struct effect *e)
{
	const struct lookup_want *want = e->request;
	uint32_t i = r->lookup_count++ % RIG_LOOKUPS_MAX;

	r->lookups[i].call = e->call;
	r->lookups[i].serial = e->serial;
	(void)bytes_cstr(bytes_str(want->host), r->lookups[i].host, sizeof(r->lookups[i].host));
}

RIG_FN void rig_mixer_close(struct rig *r, uint64_t serial)
{
	for (uint32_t i = 0; i < r->mixer_count; i++)
		r->mixers[i].closed |= r->mixers[i].serial == serial;
}

RIG_FN void rig_part_keep(struct rig *r, const struct effect *e)
{
	const struct request_room_play *play = e->request;
	const struct request_room_tap *tap = e->request;
	struct rig_part *p = &r->parts[r->part_count++];

	assert(r->part_count <= COUNT_OF(r->parts));
	*p = (struct rig_part){ .room = e->call, .serial = e->serial, .kind = e->kind };
	if (e->kind == EFFECT_ROOM_TAP) {
		p->job = tap->job;
		p->number = tap->number;
		p->tone = tap->tone;
		return;
	}
	p->job = play->job;
	p->from_ms = play->begin_ms;
	p->rate_hz = play->rate_hz;
	p->resumed = play->resumed;
	(void)bytes_cstr(text_bytes(&play->file), p->file, sizeof(p->file));
}

RIG_FN void rig_part_stop(struct rig *r, uint64_t serial)
{
	for (uint32_t i = 0; i < r->part_count; i++)
		r->parts[i].stopped |= r->parts[i].serial == serial;
}

RIG_FN void rig_keep(struct rig *r, struct effect *e)
{
	const struct request_conference *to_conference = e->request;
	const struct request_play *play = e->request;
	const struct request_set *set = e->request;
	const struct request_user *user = e->request;
	const struct request_publish *publish = e->request;
	const struct request_helper *help = e->request;
	const struct request_box *box = e->request;
	const struct request_media_stream *stream = e->request;
	const struct request_trust *trust = e->request;
	const struct request_cdrs *open = e->request;
	const struct request_media *media = e->request;
	struct sig_event *event = e->request;

	if (r->seen)
		r->seen(r, e);
	switch (e->kind) {
	case EFFECT_SEND:
		rig_keep_sent(r, e);
		break;
	case EFFECT_CALL_SAVE:
	case EFFECT_CALL_END:
	case EFFECT_SUBSCRIPTION_SAVE:
	case EFFECT_BINDING_SAVE:
	case EFFECT_BINDING_GET:
	case EFFECT_OBJECT_SAVE:
		rig_keep_save(r, e);
		break;
	case EFFECT_ROOM_OPEN:
		assert(r->mixer_count < COUNT_OF(r->mixers));
		r->mixers[r->mixer_count++] =
			(struct rig_mixer){ .room = e->call,
					    .serial = e->serial,
					    .terms = *(const struct media_room *)e->request };
		break;
	case EFFECT_ROOM_CLOSE:
		rig_mixer_close(r, e->serial);
		break;
	case EFFECT_CONFERENCE:
		r->to_conference.call = e->call;
		r->to_conference.room = to_conference->room;
		r->to_conference.dialog = to_conference->dialog;
		(void)bytes_cstr(text_bytes(&to_conference->user), r->to_conference.user,
				 sizeof(r->to_conference.user));
		r->to_conference.count++;
		break;
	case EFFECT_ROOM_PLAY:
	case EFFECT_ROOM_TAP:
		rig_part_keep(r, e);
		break;
	case EFFECT_CALL_OPEN:
		r->open = open->list[open->count - 1];
		r->open_count++;
		break;
	case EFFECT_MEDIA:
		if (r->rolling && r->media_count == RIG_LIST_MAX)
			r->media_count = 0;
		assert(r->media_count < RIG_LIST_MAX);
		r->media[r->media_count++] = *media->command;
		break;
	case EFFECT_EVENT:
		if (event_kind_has(event->kind, EV_A_STATE)) {
			(void)strcpy(r->states[0], event_str(event, EV_A_STATE));
			(void)strcpy(r->states[1], event_str(event, EV_B_STATE));
		}
		if (event->kind == SIG_CALL_STATE) {
			r->state_events++;
			break;
		}
		if (r->rolling && r->event_count == RIG_LIST_MAX)
			r->event_count = 0;
		assert(r->event_count < RIG_LIST_MAX);
		event_clear(&r->events[r->event_count]);
		r->events[r->event_count++] = *event;
		event->values = (struct event_values){ 0 };
		break;
	case EFFECT_TRUST:
		if (sip_transport_is_stream(trust->hop.transport))
			r->trusted = trust->hop;
		else
			r->trusted_udp = trust->hop;
		break;
	case EFFECT_SECURITY:
		r->security = *(const struct security_event *)e->request;
		r->security_count++;
		break;
	case EFFECT_PLAY:
		r->play = e->serial;
		r->play_codec = play->codec;
		r->play_resumed = play->resumed;
		r->play_spared = play->spared;
		(void)bytes_cstr(text_bytes(&play->file), r->played, sizeof(r->played));
		(void)bytes_cstr(text_bytes(&play->language), r->play_language,
				 sizeof(r->play_language));
		r->play_ms = play->begin_ms;
		r->play_count++;
		break;
	case EFFECT_SET:
		r->set = e->serial;
		r->set_feature = (enum feature_action)set->feature;
		(void)bytes_cstr(text_bytes(&set->user), r->set_user, sizeof(r->set_user));
		(void)bytes_cstr(text_bytes(&set->number), r->set_number, sizeof(r->set_number));
		r->set_count++;
		break;
	case EFFECT_USER:
		(void)bytes_cstr(text_bytes(&user->data), r->page, sizeof(r->page));
		r->page_number = user->number;
		r->page_count++;
		break;
	case EFFECT_PUBLISH:
		r->publish =
			(struct publish_reply){ .txn = e->serial,
						.etag = publish->etag,
						.expires_s = (uint32_t)(publish->ttl_ms / 1000) };
		r->publish_of = e->call;
		(void)bytes_cstr(text_bytes(&publish->user), r->set_user, sizeof(r->set_user));
		(void)bytes_cstr(text_bytes(&publish->data), r->published, sizeof(r->published));
		r->publish_count++;
		break;
	case EFFECT_LOOKUP:
		rig_keep_lookup(r, e);
		break;
	case EFFECT_LOOKUP_STOP:
		r->lookup_stops++;
		r->lookup_stopped = e->serial;
		break;
	case EFFECT_PARK:
		rig_keep_park(r, e);
		break;
	case EFFECT_HELPER:
		r->help = e->serial;
		r->help_count++;
		(void)bytes_cstr(text_bytes(&help->data), r->help_data, sizeof(r->help_data));
		break;
	case EFFECT_BOX:
		r->box.call = e->call;
		r->box.serial = e->serial;
		r->box.order = box->order;
		r->box.count++;
		(void)bytes_cstr(text_bytes(&box->tenant), r->box.tenant, sizeof(r->box.tenant));
		(void)bytes_cstr(text_bytes(&box->box), r->box.box, sizeof(r->box.box));
		(void)bytes_cstr(text_bytes(&box->by), r->box.by, sizeof(r->box.by));
		break;
	case EFFECT_PROGRAM:
		r->program = e->serial;
		r->program_count++;
		break;
	case EFFECT_CONTACT:
		rig_keep_contact(r, e);
		break;
	case EFFECT_WAKE:
		rig_keep_wake(r, e);
		break;
	case EFFECT_KV:
		rig_keep_kept(r, e);
		break;
	case EFFECT_MEDIA_STREAM:
		r->listen = *stream;
		r->listen.tenant = r->listen.endpoint = (struct text){ 0 };
		r->listen_serial = e->serial;
		r->listen_count++;
		(void)bytes_cstr(text_bytes(&stream->endpoint), r->listener, sizeof(r->listener));
		break;
	case EFFECT_MEDIA_STREAM_STOP:
		r->listen_stops++;
		break;
	case EFFECT_PLAY_DIGIT:
		r->play_key = ((const struct request_play_digit *)e->request)->digit;
		break;
	case EFFECT_PLAY_STOP:
		rig_part_stop(r, e->serial);
		r->play_stops++;
		break;
	case EFFECT_FORK:
		rig_keep_fork(r, e);
		break;
	case EFFECT_RECORD:
		rig_keep_record(r, e);
		break;
	case EFFECT_ORDERED:
		r->order = *(const struct request_ordered *)e->request;
		r->order_count++;
		break;
	case EFFECT_KINDS:
		break;
	}
}

RIG_FN void rig_drain_list(struct rig *r, struct effects *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		rig_keep(r, &list->list[i]);
	effects_clear(list);
}

RIG_FN void rig_drain(struct rig *r)
{
	rig_drain_list(r, locations_effects(r->locations));
	rig_drain_list(r, shard_effects(r->shard));
}

RIG_FN uint64_t rig_next_ns(const struct rig *r)
{
	uint64_t shard = shard_next_ns(r->shard), locations = locations_next_ns(r->locations);

	return shard < locations ? shard : locations;
}

RIG_FN void rig_expire(struct rig *r)
{
	locations_expire(r->locations, r->now);
	shard_expire(r->shard, r->now);
}

RIG_FN void rig_degraded(struct rig *r, bool degraded)
{
	shard_degraded(r->shard, degraded, r->now);
	locations_degraded(r->locations, degraded, r->now);
}

RIG_FN void rig_caught_up(struct rig *r)
{
	shard_caught_up(r->shard, r->now);
	locations_caught_up(r->locations, r->now);
}

/* What the world says to what was asked. */
RIG_FN void rig_reply(struct rig *r, struct reply reply)
{
	shard_replied(r->shard, &reply, r->now);
}

/* The store's answer to one save. */
/* What is in it is there again. 0 or -errno. */
RIG_FN int rig_restore(struct rig *r, const struct rig_save *s, const char **reason)
{
	if (s->kind == EFFECT_OBJECT_SAVE)
		return shard_restore_object(r->shard, OBJECT_ROOM, text_bytes(&s->record), r->now,
					    reason);
	return shard_restore_call(r->shard, text_bytes(&s->record), r->now, reason);
}

RIG_FN void rig_answer(struct rig *r, uint32_t i, bool ok)
{
	struct rig_save *s = &r->saves[i];

	if (s->answered)
		return;
	s->answered = true;
	if (s->kind == EFFECT_CALL_SAVE)
		shard_call_saved(r->shard, s->call, s->version, ok, r->now);
	else if (s->kind == EFFECT_CALL_END)
		shard_call_ended(r->shard, s->call, ok, r->now);
	else if (s->kind == EFFECT_OBJECT_SAVE)
		shard_object_saved(r->shard, s->call, s->version, ok, r->now);
	else if (s->kind == EFFECT_SUBSCRIPTION_SAVE)
		shard_subscription_saved(r->shard, s->call, s->version, ok, r->now);
	else if (s->kind == EFFECT_BINDING_SAVE)
		locations_saved(r->locations, text_bytes(&s->tenant), text_bytes(&s->user),
				s->version, ok ? BINDING_SAVED : BINDING_FAILED, r->now);
	else if (s->kind == EFFECT_BINDING_GET) /* there is nothing */
		locations_got(r->locations, text_bytes(&s->tenant), text_bytes(&s->user),
			      ok ? BINDING_SAVED : BINDING_FAILED, (struct bytes){ 0 }, r->now);
	rig_drain(r);
}

RIG_FN void rig_media_closed(struct rig *r, const struct media_command *m)
{
	struct media_event ev = { .kind = MEDIA_FLOW_CLOSED, .id = m->id };

	for (uint32_t i = 0; i < r->media_count; i++) {
		const struct flow_spec *spec = &r->media[i].spec;

		if ((r->media[i].kind == MEDIA_FLOW_OPEN ||
		     r->media[i].kind == MEDIA_FLOW_UPDATE) &&
		    spec->id.slot == m->id.slot && spec->id.generation == m->id.generation) {
			ev.call = spec->call;
			ev.leg = spec->leg;
			ev.stats.packets_in = 50u + spec->leg;
		}
	}
	shard_media_event(r->shard, &ev, r->now);
	rig_drain(r);
}

/* Job 100 is the first one's. False: none waits for that. */
RIG_FN bool rig_mixers_tell(struct rig *r)
{
	for (uint32_t i = 0; !r->hold_mixers && i < r->mixer_count; i++) {
		const struct job_id job = { .slot = 100 + i, .generation = 1 };
		struct rig_mixer *m = &r->mixers[i];

		if (m->told)
			continue;
		m->told = true;
		shard_on_room(r->shard, m->room, m->serial, &job, r->now);
		rig_drain(r);
		return true;
	}
	return false;
}

/* Everything that follows at once. */
RIG_FN void rig_run(struct rig *r)
{
	uint32_t media = r->media_count;
	uint32_t saves = 0;

	rig_drain(r);
	for (;;) {
		if (!r->hold_saves && saves < r->save_count) {
			rig_answer(r, saves++, !r->fail_saves);
		} else if (!r->hold_media && media < r->media_count) {
			if (r->media[media].kind == MEDIA_FLOW_CLOSE)
				rig_media_closed(r, &r->media[media]);
			media++;
		} else if (!rig_mixers_tell(r)) {
			return;
		}
	}
}

RIG_FN void rig_wait_ms(struct rig *r, uint64_t ms)
{
	uint64_t end = r->now.ns + ms * NS_PER_MS;

	for (;;) {
		uint64_t next = rig_next_ns(r);

		if (next > end)
			next = end;
		if (next > r->now.ns) {
			r->now.utc_ms += (next - r->now.ns) / NS_PER_MS;
			r->now.ns = next;
		}
		rig_expire(r);
		rig_run(r);
		if (r->now.ns >= end && rig_next_ns(r) > end)
			return;
	}
}

RIG_FN void rig_send(struct rig *r, const struct addr *from, struct bytes datagram)
{
	struct sip_hop hop = { .remote = *from, .local = r->local };

	shard_receive(r->shard, &hop, datagram, r->now);
	rig_run(r);
}

/* The first datagram to that address that begins so and was not taken yet; empty when there is none. */
RIG_FN struct bytes rig_take(struct rig *r, const struct addr *to, const char *begin)
{
	for (uint32_t i = 0; i < r->sent_count; i++) {
		struct rig_sent *s = &r->sent[i];

		if (!s->taken && addr_eq(&s->hop.remote, to) &&
		    bytes_starts(text_bytes(&s->data), begin)) {
			s->taken = true;
			return text_bytes(&s->data);
		}
	}
	return (struct bytes){ 0 };
}

/* How many datagrams to that address begin so, taken or not. */
RIG_FN uint32_t rig_count(const struct rig *r, const struct addr *to, const char *begin)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->sent_count; i++)
		n += addr_eq(&r->sent[i].hop.remote, to) &&
		     bytes_starts(text_bytes(&r->sent[i].data), begin);
	return n;
}

RIG_FN struct shard_counts rig_counts(struct rig *r)
{
	struct shard_counts c;

	shard_counts(r->shard, &c);
	return c;
}

/* The same, and it stays where it is. */
RIG_FN struct bytes rig_find(const struct rig *r, const struct addr *to, const char *begin)
{
	for (uint32_t i = 0; i < r->sent_count; i++) {
		const struct rig_sent *s = &r->sent[i];

		if (addr_eq(&s->hop.remote, to) && bytes_starts(text_bytes(&s->data), begin))
			return text_bytes(&s->data);
	}
	return (struct bytes){ 0 };
}

/* The newest record of a call; version 0 when there is none. */
RIG_FN const struct rig_save *rig_record(const struct rig *r)
{
	static const struct rig_save none;

	for (uint32_t i = r->save_count; i-- > 0;) {
		if (r->saves[i].kind == EFFECT_CALL_SAVE)
			return &r->saves[i];
	}
	return &none;
}

/* The newest record the store has acknowledged; version 0: none. */
RIG_FN const struct rig_save *rig_stored(const struct rig *r)
{
	static const struct rig_save none;

	for (uint32_t i = r->save_count; i-- > 0;) {
		if (r->saves[i].kind == EFFECT_CALL_SAVE && r->saves[i].answered)
			return &r->saves[i];
	}
	return &none;
}

/* Value of a header in a datagram of ours (long names, one line each). Empty when absent. */
RIG_FN struct bytes rig_header(struct bytes text, const char *name)
{
	struct bytes line;

	while (bytes_cut(&text, '\n', &line)) {
		size_t colon = bytes_find(line, ':');

		line = bytes_trim(line);
		if (line.n == 0)
			break;
		if (bytes_is(bytes_sub(line, 0, colon), name))
			return bytes_trim(bytes_from(line, colon + 1));
	}
	return (struct bytes){ 0 };
}

RIG_FN struct bytes rig_body(struct bytes text)
{
	const uint8_t *at = text.p ? memmem(text.p, text.n, "\r\n\r\n", 4) : NULL;

	return at ? bytes_from(text, (size_t)(at - text.p) + 4) : (struct bytes){ 0 };
}

RIG_FN bool rig_has(struct bytes text, const char *what)
{
	return text.p && memmem(text.p, text.n, what, strlen(what)) != NULL;
}

#endif
