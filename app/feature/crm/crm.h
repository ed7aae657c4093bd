/* SPDX-License-Identifier: Apache-2.0 */
/* The softphone in a CRM (docs/guides/salesforce.md): which hosts may show it in a frame, what it
 * pops and logs there, and the file by which a call centre is installed. Control thread, but for
 * crm_frames. */
#ifndef APP_FEATURE_CRM_CRM_H
#define APP_FEATURE_CRM_CRM_H

#include "app/schema/command.h"
#include "app/schema/field.h"

enum {
	CRM_NAME_MAX = 41, /* with its NUL, as reqInternalName has it */
	CRM_LABEL_MAX = 128,
	CRM_HOSTS_TEXT_MAX = 768,
	CRM_HOSTS_MAX = 16,
	CRM_PREFIX_MAX = 8,
	CRM_URL_MAX = 256,
};

/* Records that are looked for by the caller's number, in the order of g_crm_records. */
enum crm_record { CRM_CONTACT, CRM_ACCOUNT, CRM_LEAD, CRM_RECORDS };
/* Calls for which a record is popped. */
enum crm_call { CRM_INBOUND, CRM_OUTBOUND, CRM_INTERNAL, CRM_CALLS };

struct crm_value {
	char name[CRM_NAME_MAX], label[CRM_LABEL_MAX];
	char hosts[CRM_HOSTS_TEXT_MAX]; /* origins joined by ',' */
	uint8_t match;                  /* bits of enum crm_record */
	uint8_t pop;                    /* bits of enum crm_call */
	uint8_t new_record;             /* 0: none; enum crm_record and 1 */
	bool silent;                    /* no log is written */
	char outside_prefix[CRM_PREFIX_MAX], long_distance_prefix[CRM_PREFIX_MAX];
	char international_prefix[CRM_PREFIX_MAX];
	uint16_t width, height;
	char web_pop[CRM_URL_MAX]; /* {number}, {name}, {data} are values; empty: none */
	uint64_t changed_utc_ms;
};

extern const char *const g_crm_records[], *const g_crm_calls[], *const g_crm_new_records[];
extern const struct command_arg g_crm_fields[];
extern const struct form g_crm_form;
extern const struct document_kind g_crm_documents;

/* The origin's octets are those of a scheme, a host and a port: https, or http on this machine.
 * any: its host may begin with "*.". */
bool crm_origin_is_good(struct bytes origin, bool any);
/* The file of a call centre (reqGeneralInfo, reqDialingOptions). Overflow of w: too long. */
void crm_definition_write(struct writer *w, const struct crm_value *v, const char *tenant,
			  struct bytes url, struct bytes standby);

/* As frames of struct app_page, of /softphone/ and of /softphone.html. Any thread. */
bool crm_frames(struct bytes rest, struct writer *origins);
bool crm_frames_plain(struct bytes rest, struct writer *origins);

command_fn crm_softphone, crm_call, crm_definition;

#endif
