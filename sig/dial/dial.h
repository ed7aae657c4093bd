/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody means who dials that, and whether he may. */
#ifndef SIG_DIAL_DIAL_H
#define SIG_DIAL_DIAL_H

#include "base/bytes.h"
#include "sig/sip/feature_code.h"

/*
 * What a tenant's phones mean by what they dial: emergency numbers, feature codes, the operator, numbers outside and their classes. A value
 * of texts, as its document has them; patterns are those of pattern.h. Pure: sig/dial/dial.h asks it.
 */

enum {
	DIAL_NUMBER_MAX = 32, /* with its NUL */
	DIAL_LIST_MAX = 256,
	DIAL_PATTERNS_MAX = 512,
	DIAL_PREFIX_MAX = 8,
};

/* Classes of numbers outside: id, name in documents, help. From the cheap ones to the dear ones: of two that fit the later one counts.
 * Numbers stand in records: append only. */
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
/* What one may call that nothing is said of: neither international nor premium numbers, nor those that no class has. */
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
	char country[4], area[DIAL_PREFIX_MAX]; /* codes in front of what is dialled; "": unknown */
	char national_prefix[4], international_prefix[DIAL_PREFIX_MAX];
	uint8_t area_digits; /* numbers so long lack the area code; 0: all without a prefix do */
	char classes[DIAL_OTHER][DIAL_PATTERNS_MAX];
	char blocked[DIAL_PATTERNS_MAX];
	struct feature_codes codes;   /* "": that of the node, DIAL_OFF: there is none */
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

/* rules = rule *( "," rule )    rule = prefix ">" [ replacement ] [ "/" length ]
 * The first one counts whose prefix a number begins with, if it has that many digits at least (CALL-38). NULL, or what is wrong. */
const char *dial_rules_wrong(struct bytes rules);
/* The number as they make it. False: none is for it, or what they make does not fit; nothing is written. */
bool dial_rules_apply(struct bytes rules, struct bytes number, char out[DIAL_NUMBER_MAX]);

/* The number as the whole world dials it, with + and country. It is left as it is where the plan does not know. */
void dial_number_international(const struct dial_plan *plan, struct bytes number,
			       char out[DIAL_NUMBER_MAX]);

/* A number in the forms of E.164. "": it is not known. */
struct dial_forms {
	char international[DIAL_NUMBER_MAX]; /* +4930123456 */
	char national
		[DIAL_NUMBER_MAX]; /* as it is dialled in the plan's country: 030123456, 0033... */
	char extension[DIAL_NUMBER_MAX]; /* behind it */
};
/* Of a number as phones, trunks and people write it: 030/123456, +49 (0)30 123456;ext=12, 123456;phone-context=+4930 (RFC 3966). Where it
 * counts in another country, or in a domain, it is not known. False: it is no number. */
bool dial_forms_of(const struct dial_plan *plan, struct bytes text, struct dial_forms *out);
/* The international one; where that is not known, or plan is NULL, the text. */
void dial_write_international(const struct dial_plan *plan, struct bytes text, struct writer *w);
/* A number outside, as any network may read it: with or without trunk and international prefixes that stand where none belongs, as in
 * +49 (0) 900 or +49 00 1 900. The dearest reading counts. */
struct dial_judgement {
	enum dial_class class;
	bool dialled; /* its class is that of the number as it is, not of how the whole world dials it */
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
	void *arg;
	bool (*is_extension)(void *arg, struct bytes number);
	/* It is that of a room for conferences. NULL: there are none. */
	bool (*is_room)(void *arg, struct bytes number);
	/* A pattern among numbers fits it: it is like a room's then, but codes come before it. NULL: there are none. */
	bool (*fits)(void *arg, struct bytes number);
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

/* Digit maps for phones, by name in g_dial_map_forms: with ',' for the second dial tone, as phones of Polycom have it; as RFC 3435 2.1.5. */
enum dial_map_form { DIAL_MAP_POLYCOM, DIAL_MAP_RFC3435 };
enum { DIAL_MAP_MAX = 4096 };
extern const char *const g_dial_map_forms[];
/* Of plan, codes, emergency numbers and trunk_access of the asker. False: it has no room there, or in memory. */
bool dial_digit_map(const struct dial_asker *asker, enum dial_map_form form, struct writer *w);

#endif
