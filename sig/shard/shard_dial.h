/* SPDX-License-Identifier: Apache-2.0 */
/* What is dialled, by the plan of whose phone it is (sig/dial/dial.h). */
#ifndef SIG_SHARD_SHARD_DIAL_H
#define SIG_SHARD_SHARD_DIAL_H

#include "sig/dial/dial.h"
#include "sig/host/route_uri.h"

struct shard;
struct sip_uri;
struct call_refusal;

/* Who dials. */
struct shard_dialler {
	uint16_t tenant;
	bool phone;      /* of an extension */
	uint8_t classes; /* 1 << enum dial_class: that it may call */
	uint8_t scheme;  /* enum dial_scheme */
};

void shard_dial(const struct shard *s, const struct shard_dialler *who, struct bytes dialled,
		struct dial_result *out);
/* An emergency number of the tenant: *number without what is dialled before it. */
bool shard_is_emergency(const struct shard *s, uint16_t tenant, const struct sip_uri *uri,
			char number[DIAL_NUMBER_MAX]);
/* Some tenant's, maybe: whose request it is is not known yet. */
bool shard_may_be_emergency(const struct shard *s, const struct sip_uri *uri);
/* DIAL_BARRED is to be told: without a plan and a route nobody has said what is outside. */
bool shard_dial_is_barred(const struct shard *s, uint16_t tenant,
			  const struct dial_result *dialled);
/* How a number is refused that leads to nobody here. Returns false. */
bool shard_dial_refuse(const struct shard *s, uint16_t tenant, const struct dial_result *dialled,
		       struct call_refusal *why);

#endif
