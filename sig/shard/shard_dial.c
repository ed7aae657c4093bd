/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/shard_dial.h"

#include "sig/host/dial_plans.h"
#include "sig/host/room_terms.h"
#include "sig/host/trunk.h"
#include "sig/shard/shard_state.h"

struct dial_of {
	const struct shard *shard;
	uint16_t tenant;
};

static bool dial_finds(void *arg, struct bytes number)
{
	const struct dial_of *of = arg;

	return shard_extension_find(of->shard, of->tenant, number) != NULL;
}

static bool dial_finds_room(void *arg, struct bytes number)
{
	const struct dial_of *of = arg;

	return rooms_find(of->shard->settings.rooms, of->tenant, number) != NULL;
}

static size_t dial_trunk_access(void *arg, struct bytes number)
{
	const struct dial_of *of = arg;
	const struct trunks *all = of->shard->settings.trunks;
	uint16_t trunk = trunks_by_access(all, of->tenant, number);

	return trunk == TRUNK_NONE ? 0 : bytes_str(trunks_settings(all, trunk)->access).n;
}

static struct dial_asker dial_asker_of(const struct shard *s, struct dial_of *of)
{
	static_assert(sizeof(s->settings.emergency[0]) == sizeof(char[16]), "struct dial_asker");
	return (struct dial_asker){ .plan = dial_plans_of(s->settings.dials, of->tenant),
				    .codes = &s->settings.codes,
				    .emergency = s->settings.emergency,
				    .emergency_count = s->settings.emergency_count,
				    .arg = of,
				    .is_extension = dial_finds,
				    .is_room = dial_finds_room,
				    .trunk_access = dial_trunk_access };
}

void shard_dial(const struct shard *s, const struct shard_dialler *who, struct bytes dialled,
		struct dial_result *out)
{
	struct dial_of of = { s, who->tenant };
	struct dial_asker asker = dial_asker_of(s, &of);

	asker.outside = who->phone;
	asker.scheme = who->scheme;
	asker.classes = tenants_classes(s->settings.tenants, who->tenant, who->classes);
	dial_resolve(&asker, dialled, out);
}

bool shard_is_emergency(const struct shard *s, uint16_t tenant, const struct sip_uri *uri,
			char number[DIAL_NUMBER_MAX])
{
	struct dial_of of = { s, tenant };
	struct dial_asker asker = dial_asker_of(s, &of);
	char user[ROUTE_USER_MAX];

	return route_user(uri, user) == ROUTE_OK &&
	       dial_is_emergency(&asker, bytes_str(user), number);
}

/* Whose it is is not known yet: there may be any code in front of it. */
bool shard_may_be_emergency(const struct shard *s, const struct sip_uri *uri)
{
	char user[ROUTE_USER_MAX];
	struct bytes number;

	if (route_user(uri, user) != ROUTE_OK)
		return false;
	number = bytes_str(user);
	for (uint32_t i = 0; i < s->settings.emergency_count; i++) {
		size_t n = strlen(s->settings.emergency[i]);

		if (n <= number.n &&
		    bytes_is(bytes_from(number, number.n - n), s->settings.emergency[i]))
			return true;
	}
	return dial_plans_may_help(s->settings.dials, number);
}

/* In the words of Warning and Reason, by enum dial_class. */
static const char *const g_barred[] = {
#define X(id, name, help) "calls to numbers of the class " name " are barred for the extension",
	DIAL_CLASSES(X)
#undef X
		"calls to numbers of no class are barred for the extension",
};

static bool refuse_as(struct call_refusal *why, uint16_t status, enum sig_refused reason)
{
	*why = (struct call_refusal){ .status = status, .reason = reason };
	return false;
}

bool shard_dial_is_barred(const struct shard *s, uint16_t tenant, const struct dial_result *dialled)
{
	return dial_plans_of(s->settings.dials, tenant)->given ||
	       shard_has_trunk_route(s, tenant, bytes_str(dialled->number));
}

bool shard_dial_refuse(const struct shard *s, uint16_t tenant, const struct dial_result *dialled,
		       struct call_refusal *why)
{
	if (dialled->kind == DIAL_MORE) /* RFC 3578 */
		return refuse_as(why, 484, REFUSED_INCOMPLETE);
	(void)refuse_as(why, 404, REFUSED_NOT_FOUND);
	if (dialled->kind != DIAL_BARRED || !shard_dial_is_barred(s, tenant, dialled))
		return false;
	(void)refuse_as(why, 403, REFUSED_BARRED);
	why->text = dialled->blocked ? "the number is blocked" : g_barred[dialled->class];
	return false;
}

uint16_t shard_dial_outcome(const struct shard *s, uint16_t tenant,
			    const struct dial_result *dialled, const char **reason)
{
	struct call_refusal why = { 0 };

	*reason = "";
	if (dialled->kind == DIAL_EMERGENCY || dialled->kind == DIAL_EXTENSION ||
	    dialled->kind == DIAL_ROOM || dialled->kind == DIAL_FEATURE ||
	    (dialled->kind == DIAL_OUTSIDE &&
	     shard_has_trunk_route(s, tenant, bytes_str(dialled->number))))
		return 0;
	(void)shard_dial_refuse(s, tenant, dialled, &why);
	*reason = why.text ? why.text : sig_refused_name(why.reason);
	return why.status;
}
