/* SPDX-License-Identifier: Apache-2.0 */
/* The newest requests to web applications and speech engines, to be shown: no secrets, bounded. */
#ifndef APP_HELPER_ASKED_H
#define APP_HELPER_ASKED_H

#include <jansson.h>

#include "base/bytes.h"

enum {
	ASKED_MAX = 1024,
	ASKED_OF_TENANT_MAX = 128,
	ASKED_TEXT_MAX = 1024, /* octets of a body that are shown */
};

/* The oldest first. */
struct asked {
	uint32_t count;
	struct asked_row {
		uint16_t tenant;
		json_t *row; /* a reference */
	} rows[ASKED_MAX];
};

/* The first octets of a text, with each of the hidden values (a list of texts) as "***". New
 * reference; NULL: no memory. */
json_t *asked_text(struct bytes text, const json_t *hidden);
/* Likewise a URL, without user, password, query and fragment. Not whole: without its path, too. */
json_t *asked_url(struct bytes url, const json_t *hidden, bool whole);
/* Adds one; drops the oldest of a tenant that has too many, else the oldest of all.
 * Stolen; NULL is fine. */
void asked_put(struct asked *a, uint16_t tenant, json_t *row);
/* The newest first, limit at most. tenant: NULL: of all. call: "": of all. New reference. */
json_t *asked_list(const struct asked *a, const uint16_t *tenant, struct bytes call, size_t limit);
void asked_clear(struct asked *a);

#endif
