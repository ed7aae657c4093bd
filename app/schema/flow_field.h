/* SPDX-License-Identifier: Apache-2.0 */
/* A flow: its program, a document of a tenant by name (docs/flows.md); and a number for one. */
#ifndef APP_SCHEMA_FLOW_FIELD_H
#define APP_SCHEMA_FLOW_FIELD_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/dial/dial.h"
#include "sig/flow/program.h"
#include "sig/host/cdr.h"

enum {
	FLOW_NAME_MAX = 32,
	FLOW_HASH_TEXT = 2 * PROGRAM_HASH_LEN + 1,
	NUMBER_TO_MAX = 512,
	FLOW_KEPT_MAX = 65000 /* octets of a program that is put: its document fits a snapshot */
};

struct program_value {
	char name[FLOW_NAME_MAX];
	uint64_t changed_utc_ms;
	char text[FLOW_KEPT_MAX + 1]; /* the program, compact */
};

/* Target of a number of the tenant. */
struct number_value {
	char number[DIAL_NUMBER_MAX];
	/* flow:NAME, group:NAME and the like, or a URL: of a web application */
	char to[NUMBER_TO_MAX];
	char fallback[NUMBER_TO_MAX]; /* of that one: another URL, or flow:NAME; "": none */
	uint64_t changed_utc_ms;
};
extern const struct command_arg g_number_fields[];
extern const struct form g_number_form;
/* The name of the program: NAME, group:NAME, or number:NUMBER of a URL. */
struct bytes number_flow(const struct number_value *v, char space[CALL_FLOW_MAX]);
#define NUMBER_WORD "number:"
#define NUMBER_LEADS                                                                        \
	"a number leads to flow:NAME, group:NAME, queue:NAME, page:NAME or a URL of http, " \
	"https, ws or wss"
/* WORD:NAME of a kind of documents, perhaps of none (struct document_kind.word). */
bool number_names_document(const char *text);
/* The program that asks its web application. Empty: it has none. */
void number_program(const struct number_value *v, struct writer *w);

/* The document. New reference, NULL: out of memory. */
json_t *flow_document(const struct program_value *v);
/* As form_read; a program that has errors is refused. */
int flow_document_read(struct program_value *v, struct bytes json, const char **reason) NODISCARD;

void flow_hash_text(char out[FLOW_HASH_TEXT], const uint8_t hash[PROGRAM_HASH_LEN]);
/* A list of the warnings, or of the errors: each with path and message. */
json_t *flow_findings_json(const struct flow_findings *all, bool warnings);

#endif
