/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/identity/policy.h"

#define BIT(kind) (1U << CARRIED_##kind)

enum {
	ALL = (1U << CARRIED_KINDS) - 1,
	/* of whom a user said what it is: what he wants hidden, what his application says, where he is */
	OF_PHONES = BIT(PRIVACY) | BIT(UUI) | BIT(GEOLOCATION) | BIT(ROUTING) | BIT(EXTRA),
	TO_PHONES = BIT(DIVERSION) | BIT(HISTORY) | BIT(UUI) | BIT(EXTRA),
};

static bool extra_fits(struct bytes pattern, struct bytes name)
{
	if (pattern.n && pattern.p[pattern.n - 1] == '*')
		return name.n >= pattern.n - 1 && bytes_ieq(bytes_sub(name, 0, pattern.n - 1),
							    bytes_sub(pattern, 0, pattern.n - 1));
	return bytes_ieq(pattern, name);
}

bool identity_has_extra(const struct identity_extra *extra, struct bytes name)
{
	if (!extra || !bytes_istarts(name, "X-"))
		return false;
	for (uint8_t i = 0; i < extra->count; i++) {
		if (extra_fits(bytes_str(extra->names[i]), name))
			return true;
	}
	return false;
}

struct identity_policy identity_of_phone(const struct identity_extra *extra)
{
	return (struct identity_policy){ .takes = OF_PHONES, .tells = TO_PHONES, .extra = extra };
}

struct identity_policy identity_of_peer(const struct identity_extra *extra)
{
	return (struct identity_policy){
		.trusted = true, .takes = ALL, .tells = ALL, .extra = extra
	};
}

struct identity_policy identity_of_trunk(const struct identity_trunk *t)
{
	struct identity_policy p = { .trusted = !t->untrusted, .extra = &t->extra };

	for (unsigned i = 0; i < CARRIED_KINDS; i++) {
		if (t->ways[i] == IDENTITY_BOTH || t->ways[i] == IDENTITY_IN)
			p.takes |= (uint16_t)(1U << i);
		if (t->ways[i] == IDENTITY_BOTH || t->ways[i] == IDENTITY_OUT)
			p.tells |= (uint16_t)(1U << i);
	}
	return p;
}

struct identity_policy identity_of_inter_shard(void)
{
	static const struct identity_extra any = { .count = 1, .names = { "X-*" } };

	return (struct identity_policy){
		.trusted = true, .takes = ALL, .tells = ALL, .extra = &any
	};
}
