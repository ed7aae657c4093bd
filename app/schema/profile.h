/* SPDX-License-Identifier: Apache-2.0 */
/* Codec profiles and the address ranges that choose them (REG-12): documents, core structs. */
#ifndef APP_SCHEMA_PROFILE_H
#define APP_SCHEMA_PROFILE_H

#include <jansson.h>

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/shard/shard.h"

enum { PROFILE_PACKET_MS = 20, PROFILE_VIDEO_KBPS = 768 }; /* REG-11, MED-08 */
enum { PROFILE_PACKET_MS_MIN = 10, PROFILE_PACKET_MS_MAX = 60 };
enum { PROFILE_VIDEO_KBPS_MIN = 64, PROFILE_VIDEO_KBPS_MAX = 100000 };

struct profile {
	struct shard_profile core;
	uint64_t changed_utc_ms;
};

struct profile_range {
	struct shard_range core;
	uint64_t changed_utc_ms;
};

/* Audio codecs are named by their encoding names (RFC 3551 and those registered since). */
extern const struct command_arg g_profile_fields[], g_range_fields[];
extern const char *const g_profile_transport[]; /* "any", then in the order of enum sip_transport */

extern const struct form g_profile_form, g_range_form;

/* An address without port. 0 or -EINVAL. */
int range_addr_read(struct addr *out, struct bytes text) NODISCARD;
/* -1, 0, 1 by family, then by number. */
int range_addr_order(const struct addr *a, const struct addr *b);

#endif
