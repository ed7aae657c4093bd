/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of a dialled string, and whether the caller may use it. */
#ifndef SIG_DIAL_DIAL_H
#define SIG_DIAL_DIAL_H

#include "base/bytes.h"
#include "sig/sip/feature_code.h"

/* A tenant's dial plan: emergency numbers, feature codes, the operator, numbers outside and their
 * classes. A value of texts, as in its document; patterns are those of pattern.h. Pure: evaluated
 * by sig/dial/dial.c. */

enum {
	DIAL_NUMBER_MAX = 32, /* with its NUL */
	DIAL_LIST_MAX = 256,
	DIAL_PATTERNS_MAX = 512,
	DIAL_PREFIX_MAX = 8,
};

/* Classes of numbers outside: id, name in documents, help. Ordered by cost: of two that fit, the
 * later one counts. Numbers are stored in records: append only. */
#define DIAL_CLASSES(X)                                                   \
	X(TOLL_FREE, "toll_free", "numbers that cost the caller nothing") \
	X(LOCAL, "local", "numbers of the same place")                    \
	X(NATIONAL, "national", "numbers of the same country")            \
	X(MOBILE, "mobile", "mobile phones of the same country")          \
	X(INTERNATIONAL, "international",                                 \
	  "numbers of other countries, also those that are "              \
	  "dialled like national ones")                                   \
	X(PREMIUM, "premium", "numbers that cost more than a call")

enum dial_class {
#define X(id, name, help) DIAL_##id,
	DIAL_CLASSES(X)
#undef X
		DIAL_OTHER, /* no pattern has it */
	DIAL_CLASS_COUNT,
};
/* The classes permitted by default: neither international nor premium numbers, nor those without a
 * class. */
enum {
	DIAL_CLASSES_FIRST =
		1 << DIAL_TOLL_FREE | 1 << DIAL_LOCAL | 1 << DIAL_NATIONAL | 1 << DIAL_MOBILE
};

extern const char *const g_dial_classes[]; /* names by enum dial_class, ends with NULL */

struct dial_plan {
	bool given;                             /* the tenant has one; else it is the one below */
	char emergency[DIAL_LIST_MAX];          /* numbers joined by ','; "": those of the node */
	char access[DIAL_PREFIX_MAX];           /* dialled before numbers outside; "": nothing is */
	char redial[DIAL_PATTERNS_MAX];         /* numbers as call logs of phones have them, */
	char redial_prefix[DIAL_PREFIX_MAX];    /* ... which get this in front */
	char rules[DIAL_LIST_MAX];              /* dial_rules_wrong */
	char operator_number[DIAL_NUMBER_MAX];  /* for DIAL_OPERATOR, of the tenant; "": none */
	bool overlap;                           /* a phone may send the first digits alone */
	char numbers[DIAL_PATTERNS_MAX];        /* what is complete then */
	char extensions[DIAL_PATTERNS_MAX];     /* the number plan of extensions; "": any */
	char country[4], area[DIAL_PREFIX_MAX]; /* codes in front of what is dialled; "": unknown */
	char national_prefix[4], international_prefix[DIAL_PREFIX_MAX];
	uint8_t area_digits; /* numbers so long lack the area code; 0: all without a prefix do */
	char classes[DIAL_OTHER][DIAL_PATTERNS_MAX];
	char blocked[DIAL_PATTERNS_MAX];
	struct feature_codes codes;   /* "": the node's code, DIAL_OFF: no code */
	struct call_codes call_codes; /* likewise */
};
#define DIAL_OPERATOR "0"
#define DIAL_OFF      "off"

/* Of a tenant without one: no access code, and + 00 011 are international. */
extern const struct dial_plan g_dial_plan_default;
/* The codes that count: the tenant's, and where it says nothing the node's. */
void dial_plan_codes(const struct dial_plan *plan, const struct feature_codes *node,
		     struct feature_codes *out);
void dial_plan_call_codes(const struct dial_plan *plan, const struct call_codes *node,
			  struct call_codes *out);

/* rules = rule *( "," rule ) rule = prefix ">" [ replacement ] [ "/" length ]. The first rule
 * counts that has a prefix of the number, if the number has at least that many digits (CALL-38).
 * Returns NULL, or what is wrong. */
const char *dial_rules_wrong(struct bytes rules);
/* The rewritten number. Returns false if no rule applies, or the result is too long; nothing is
 * written. */
bool dial_rules_apply(struct bytes rules, struct bytes number, char out[DIAL_NUMBER_MAX]);

/* The number in international form, with + and country code. It is unchanged if the plan cannot
 * tell. */
void dial_number_international(const struct dial_plan *plan, struct bytes number,
			       char out[DIAL_NUMBER_MAX]);

/* A number in the forms of E.164. "": it is not known. */
struct dial_forms {
	char international[DIAL_NUMBER_MAX]; /* +4930123456 */
	char national[DIAL_NUMBER_MAX];      /* as dialled in the plan's country */
	char extension[DIAL_NUMBER_MAX];     /* behind it */
};
/* The forms of a number as phones, trunks and people write it: 030/123456, +49 (0)30 123456;ext=12,
 * 123456;phone-context=+4930 (RFC 3966). Unknown if its context is another country, or a domain.
 * Returns false if it is not a number. */
bool dial_forms_of(const struct dial_plan *plan, struct bytes text, struct dial_forms *out);
/* The international one; where that is not known, or plan is NULL, the text. */
void dial_write_international(const struct dial_plan *plan, struct bytes text, struct writer *w);
/* A number outside in any reading of a network: with or without misplaced trunk and international
 * prefixes, as in +49 (0) 900 or +49 00 1 900. The dearest reading counts. */
struct dial_judgement {
	enum dial_class class;
	/* its class is that of the number as dialled, not of its international form */
	bool dialled;
	bool blocked;
};
void dial_judge(const struct dial_plan *plan, struct bytes number, struct bytes international,
		struct dial_judgement *out);

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
	bool outside;       /* may call outside at all, and set features: a phone of ours */
	uint8_t classes;    /* 1 << enum dial_class: that he may call */
	uint8_t scheme;     /* enum dial_scheme */
	struct bytes rules; /* his own, before the plan's */
	/* access code of the trunk that he takes where he dials none of a trunk; empty, or no
	 * trunk's any more: any */
	struct bytes own_access;
	void *arg;
	bool (*is_extension)(void *arg, struct bytes number);
	/* It is the number of a conference room. NULL: no rooms. */
	bool (*is_room)(void *arg, struct bytes number);
	/* A pattern among numbers fits it: it is treated as a room, but codes take precedence.
	 * NULL: no patterns. */
	bool (*fits)(void *arg, struct bytes number);
	/* The number of leading digits that are the access code of a trunk, dialled instead of the
	 * plan's (CALL-39); 0: none. NULL: no trunk has one. */
	size_t (*trunk_access)(void *arg, struct bytes number);
};
/* Between the access code of a trunk and the number: nothing that is dialled outside has it. */
#define DIAL_ACCESS_END '*'

struct dial_result {
	enum dial_kind kind;
	/* EXTENSION, ROOM, EMERGENCY: the number; OUTSIDE, BARRED: as sent to trunks, behind the
	 * access code of one and DIAL_ACCESS_END */
	char number[DIAL_NUMBER_MAX];
	enum dial_class class;       /* OUTSIDE, BARRED */
	bool blocked;                /* BARRED: the number itself is blocked, for any caller */
	enum feature_action feature; /* FEATURE: */
	struct bytes value;          /* ... and what is behind its code, of the dialled text */
};

/* It is an emergency number of the plan, or without any in the plan, of the node. With or without
 * an access code in front, or rewritten to one by a rule. */
bool dial_is_emergency(const struct dial_asker *asker, struct bytes dialled,
		       char number[DIAL_NUMBER_MAX]);
void dial_resolve(const struct dial_asker *asker, struct bytes dialled, struct dial_result *out);

/* Digit maps for phones, by name in g_dial_map_forms: with ',' for the second dial tone, as Polycom
 * phones use; as in RFC 3435 2.1.5. */
enum dial_map_form { DIAL_MAP_POLYCOM, DIAL_MAP_RFC3435 };
enum { DIAL_MAP_MAX = 4096 };
extern const char *const g_dial_map_forms[];
/* By plan, codes, emergency numbers and trunk_access of the asker. Returns false if w is too small,
 * or without memory. */
bool dial_digit_map(const struct dial_asker *asker, enum dial_map_form form, struct writer *w);

#endif
