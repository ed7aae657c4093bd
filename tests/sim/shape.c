/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/shape.h"

#include <stdio.h>
#include <string.h>

#include "sig/call.pb-c.h"
#include "sig/record/call_codec.h"
#include "sig/room.pb-c.h"

static const char *const call_names[] = { "setup", "ringing", "answering", "established",
					  "ending" };
static const char *const leg_names[] = { "early", "answered", "confirmed", "leaving", "closed" };
static const char *const asked_names[] = { "", "-queued", "-calling", "-proceeding", "-asked" };

static const char *invite_name(Tandem__Call__InviteState state)
{
	if (state == TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return "accepted";
	return state == TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED ? "answered" : "open";
}

static uint32_t callee_of(const Tandem__Call__Call *in)
{
	return in->callee ? in->callee : 1;
}

static uint32_t index_of(const Tandem__Call__Call *in, size_t i)
{
	return in->legs[i]->index ? in->legs[i]->index : (uint32_t)i;
}

static bool is_by_command(const Tandem__Call__Call *in)
{
	return in->originated || (in->n_legs && in->legs[0]->outbound);
}

static void add_leg(char *out, const char *role, const Tandem__Call__Leg *l)
{
	const Tandem__Call__Uas *uas = l->uas;
	size_t n = strlen(out);

	(void)snprintf(out + n, SHAPE_NAME_MAX - n, "_%s-%s%s%s%s", role, leg_names[l->state],
		       l->asked ? asked_names[l->asked->state] : "",
		       l->asked && l->asked->late ? "-late" : "", l->leave ? "-leave" : "");
	n = strlen(out);
	if (l->refusal)
		(void)snprintf(out + n, SHAPE_NAME_MAX - n, "-refused");
	if (uas)
		(void)snprintf(out + n, SHAPE_NAME_MAX - n, "-asks-%s%s%s", invite_name(uas->state),
			       uas->wakes ? "-wakes" : "", uas->early ? "-early" : "");
}

static void add_invite(char *out, const Tandem__Call__Call *in)
{
	const Tandem__Call__Invite *inv = in->invite;
	size_t n = strlen(out);

	if (!inv)
		return;
	(void)snprintf(out + n, SHAPE_NAME_MAX - n, "_invite-%s", invite_name(inv->state));
	n = strlen(out);
	(void)snprintf(out + n, SHAPE_NAME_MAX - n, "%s%s%s%s%s",
		       inv->again ? (inv->from == in->caller ? "-again-a" : "-again-b") : "",
		       inv->late ? "-late" : "", inv->own ? "-own" : "", inv->wakes ? "-wakes" : "",
		       inv->early ? "-early" : "");
}

static void states(char *out, const Tandem__Call__Call *in)
{
	bool begins = is_by_command(in) && in->state < TANDEM__CALL__STATE__ESTABLISHED;

	(void)snprintf(out, SHAPE_NAME_MAX, "%s%s", call_names[in->state],
		       begins ? "-originated" : "");
	for (size_t i = 0; i < in->n_legs; i++) {
		if (index_of(in, i) == in->caller)
			add_leg(out, "a", in->legs[i]);
	}
	for (size_t i = 0; i < in->n_legs; i++) {
		if (index_of(in, i) == callee_of(in))
			add_leg(out, "b", in->legs[i]);
	}
	add_invite(out, in);
}

static Tandem__Call__Call *unpack(const struct call_host *h, struct bytes record)
{
	Tandem__Call__Call *in = tandem__call__call__unpack(NULL, record.n, record.p);
	struct text plain = { 0 };
	bool later;

	if (in && in->sealed.len) {
		(void)call_unseal(h, in->id, bytes_mem(in->sealed.data, in->sealed.len), &plain,
				  &later);
		tandem__call__call__free_unpacked(in, NULL);
		in = tandem__call__call__unpack(NULL, plain.n, (const uint8_t *)plain.p);
	}
	text_wipe(&plain);
	return in;
}

bool shape_refuses(const struct call_host *h, struct bytes record)
{
	Tandem__Call__Call *in = unpack(h, record);
	bool refuses = false;

	for (size_t i = 0; in && i < in->n_legs; i++)
		refuses |= in->legs[i]->refusal != NULL;
	tandem__call__call__free_unpacked(in, NULL);
	return refuses;
}

static void add_field(void *arg, const struct field *f)
{
	struct shape *out = arg;
	char *to = out->fields[out->field_count];

	if (out->field_count == SHAPE_FIELDS_MAX)
		return;
	(void)snprintf(to, SHAPE_NAME_MAX, "%s%s" BYTES_FMT, f->path, f->is_enum ? "-" : "",
		       BYTES_ARG(bytes_sub(f->value, 0, f->is_enum ? f->value.n : 0)));
	for (uint32_t i = 0; i < out->field_count; i++) {
		if (strcmp(out->fields[i], to) == 0)
			return;
	}
	out->field_count++;
}

bool shape_of(struct shape *out, const struct call_host *h, struct bytes record)
{
	Tandem__Call__Call *in = unpack(h, record);

	*out = (struct shape){ 0 };
	if (!in)
		return false;
	out->call = in->id;
	out->version = in->version;
	out->format = in->format;
	states(out->states, in);
	fields_walk(&in->base, add_field, out);
	tandem__call__call__free_unpacked(in, NULL);
	return true;
}

bool shape_of_room(struct shape *out, struct bytes record)
{
	Tandem__Room__Room *in = tandem__room__room__unpack(NULL, record.n, record.p);

	*out = (struct shape){ 0 };
	if (!in)
		return false;
	out->call = in->id;
	out->version = in->version;
	out->format = in->format;
	fields_walk(&in->base, add_field, out);
	tandem__room__room__free_unpacked(in, NULL);
	return true;
}

bool shape_fields(const struct call_host *h, struct bytes record, fields_fn *fn, void *arg)
{
	Tandem__Call__Call *in = unpack(h, record);

	if (in)
		fields_walk(&in->base, fn, arg);
	tandem__call__call__free_unpacked(in, NULL);
	return in != NULL;
}

bool shape_room_fields(struct bytes record, fields_fn *fn, void *arg)
{
	Tandem__Room__Room *in = tandem__room__room__unpack(NULL, record.n, record.p);

	if (in)
		fields_walk(&in->base, fn, arg);
	tandem__room__room__free_unpacked(in, NULL);
	return in != NULL;
}
