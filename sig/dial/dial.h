/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody means who dials that, and whether he may. */
#ifndef SIG_DIAL_DIAL_H
#define SIG_DIAL_DIAL_H

#include "sig/dial/plan.h"

enum dial_kind {
	DIAL_UNKNOWN,   /* nothing of the plan */
	DIAL_EMERGENCY, /* never refused */
	DIAL_EXTENSION,
	DIAL_ROOM, /* for conferences */
	DIAL_FEATURE,
	DIAL_MORE, /* not all of the digits are there: 484 */
	DIAL_OUTSIDE,
	DIAL_BARRED, /* outside, and not for who dials: 403 */
};

/* How his phones send what is dialled (REG-13). */
enum dial_scheme { DIAL_SCHEME_PLAN, DIAL_SCHEME_ENBLOCK, DIAL_SCHEME_OVERLAP };

/* Who dials, and what is around him. */
struct dial_asker {
	const struct dial_plan *plan;
	const struct feature_codes *codes; /* of the node */
	const char (*emergency)[16];       /* of the node, for plans that name none */
	uint32_t emergency_count;
	bool outside;    /* may call outside at all, and set features: a phone of ours */
	uint8_t classes; /* 1 << enum dial_class: that he may call */
	uint8_t scheme;  /* enum dial_scheme */
	void *arg;
	bool (*is_extension)(void *arg, struct bytes number);
	/* It is that of a room for conferences. NULL: there are none. */
	bool (*is_room)(void *arg, struct bytes number);
	/* How many digits in front of it are the access code of a trunk, which is dialled in place of the plan's (CALL-39); 0: none are. NULL:
	 * no trunk has one. */
	size_t (*trunk_access)(void *arg, struct bytes number);
};
/* Between the access code of a trunk and the number: nothing that is dialled outside has it. */
#define DIAL_ACCESS_END '*'

struct dial_result {
	enum dial_kind kind;
	char number
		[DIAL_NUMBER_MAX]; /* EXTENSION, ROOM, EMERGENCY: who; OUTSIDE, BARRED: as trunks are asked for it, behind the access code of one and DIAL_ACCESS_END */
	enum dial_class class;     /* OUTSIDE, BARRED */
	bool blocked;              /* BARRED: the number itself, whoever asks */
	enum feature feature;      /* FEATURE: */
	struct bytes value;        /* ... and what is behind its code, of the dialled text */
};

/* It is one of the plan's emergency numbers, or, where it names none, of the node's. With an access code in front or without, or made of
 * it by a rule. */
bool dial_is_emergency(const struct dial_asker *asker, struct bytes dialled,
		       char number[DIAL_NUMBER_MAX]);
void dial_resolve(const struct dial_asker *asker, struct bytes dialled, struct dial_result *out);

#endif
