/* SPDX-License-Identifier: Apache-2.0 */
/* Programs and the table of verbs, as others read them. */
#include "base/json.h"
#include "sig/flow/program.h"

char *program_text(const struct flow_program *p, bool compact)
{
	return json_dumps(p->root,
			  (compact ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(12));
}

/* ---- a verb ---- */

static void texts_write(struct writer *w, const struct flow_verb *v, const struct flow_value *value,
			bool map)
{
	for (uint8_t i = 0; i < value->count; i++) {
		uint8_t at = (uint8_t)(value->first + i);

		if (i)
			writer_str(w, map && i % 2 ? ":" : ",");
		json_write_text(w, v->secrets[at] ? BYTES_LIT("***") : v->texts[at]);
	}
}

static void arg_value_write(struct writer *w, const struct flow_verb *v, size_t place)
{
	static const char *const around[][2] = { [ARG_IS_TEXT] = { "", "" },
						 [ARG_IS_TEXTS] = { "[", "]" },
						 [ARG_IS_MAP] = { "{", "}" } };
	const struct verb_arg *arg = &v->verb->args[place];
	const struct flow_value *value = &v->values[place];

	switch ((enum arg_type)arg->type) {
	case ARG_IS_TEXT:
	case ARG_IS_TEXTS:
	case ARG_IS_MAP:
		writer_str(w, around[arg->type][0]);
		texts_write(w, v, value, arg->type == ARG_IS_MAP);
		writer_str(w, around[arg->type][1]);
		return;
	case ARG_IS_NUMBER:
		writer_u64(w, value->number);
		return;
	case ARG_IS_SECONDS:
		writer_fmt(w, "%.12g", value->number / 1000.0);
		return;
	case ARG_IS_BOOL:
		writer_str(w, value->number ? "true" : "false");
		return;
	case ARG_IS_WORD:
		json_write_text(w, bytes_str(arg->words[value->number]));
		return;
	}
}

void verb_write(struct writer *w, const struct flow_verb *v)
{
	const char *before = "";

	writer_str(w, "{\"step\":");
	json_write_text(w, bytes_str(v->step->name));
	writer_fmt(w, ",\"visit\":%u,\"%s\":{", v->visit, v->verb->name);
	for (size_t i = 0; v->verb->args[i].name; i++) {
		if (!v->values[i].given)
			continue;
		writer_fmt(w, "%s\"%s\":", before, v->verb->args[i].name);
		arg_value_write(w, v, i);
		before = ",";
	}
	writer_str(w, "}}");
}

/* ---- the reference ---- */

static const char *const g_type_names[] = { "text",    "text or list", "number", "seconds",
					    "boolean", "word",         "object" };

static void allowed_write(struct writer *w, const struct verb_arg *arg)
{
	switch ((enum arg_type)arg->type) {
	case ARG_IS_TEXT:
	case ARG_IS_TEXTS:
	case ARG_IS_MAP:
	case ARG_IS_NUMBER:
		writer_fmt(w, "%u to %u%s", arg->min, arg->max,
			   arg->type == ARG_IS_TEXT  ? " octets"
			   : arg->type == ARG_IS_MAP ? " members"
						     : "");
		return;
	case ARG_IS_SECONDS:
		writer_fmt(w, "%.12g to %.12g", arg->min / 1000.0, arg->max / 1000.0);
		return;
	case ARG_IS_BOOL:
		writer_str(w, "true, false");
		return;
	case ARG_IS_WORD:
		for (size_t i = 0; arg->words[i]; i++)
			writer_fmt(w, "%s%s", i ? ", " : "", arg->words[i]);
		return;
	}
}

static void preset_write(struct writer *w, const struct verb_arg *arg)
{
	if (arg->required)
		writer_str(w, "*required*");
	else if (arg->preset_text)
		writer_fmt(w, "%s", arg->preset_text);
	else if (arg->type == ARG_IS_SECONDS && arg->preset)
		writer_fmt(w, "%.12g", arg->preset / 1000.0);
	else if (arg->type == ARG_IS_NUMBER)
		writer_u64(w, arg->preset);
	else if (arg->type == ARG_IS_BOOL)
		writer_str(w, arg->preset ? "true" : "false");
	else if (arg->type == ARG_IS_WORD)
		writer_str(w, arg->words[arg->preset]);
}

static void verb_reference(struct writer *w, const struct verb *verb)
{
	const char *before = "Branches: ";

	writer_fmt(w, "\n### %s\n\n", verb->name);
	for (const char *c = verb->help; *c; c++) /* a sentence a line */
		writer_u8(w, *c == ' ' && c[-1] == '.' ? '\n' : (uint8_t)*c);
	writer_str(w, "\n");
	if (verb->outcomes || (verb->flags & VERB_ON)) {
		writer_str(w, "\n");
		for (enum flow_outcome o = 0; o < FLOW_OUTCOMES; o++) {
			if (!(verb->outcomes & 1U << o))
				continue;
			writer_fmt(w, "%s`%s`%s", before, g_flow_outcomes[o],
				   verb->required & 1U << o ? " (needed)" : "");
			before = ", ";
		}
		writer_fmt(w, "%s.\n", verb->flags & VERB_ON ? "; and keys of `on`" : "");
	} else {
		writer_str(w, "\nThe flow ends there.\n");
	}
	if (!verb->args->name)
		return;
	writer_str(w,
		   "\n| Argument | Type | Allowed | Default | Meaning |\n|---|---|---|---|---|\n");
	for (const struct verb_arg *arg = verb->args; arg->name; arg++) {
		writer_fmt(w, "| `%s` | %s | ", arg->name, g_type_names[arg->type]);
		allowed_write(w, arg);
		writer_str(w, " | ");
		preset_write(w, arg);
		writer_fmt(w, " | %s |\n", arg->help);
	}
}

void flow_write_reference(struct writer *w)
{
	writer_str(w, "\n## Names in braces\n\n| Name | Stands for |\n|---|---|\n");
	for (const struct flow_fact *f = g_flow_facts; f->name; f++)
		writer_fmt(w, "| `%s%s` | %s |\n", f->name,
			   f->name[strlen(f->name) - 1] == '.' ? "NAME" : "", f->help);
	writer_str(w, "\n## Verbs\n");
	for (const struct verb *verb = g_flow_verbs; verb->name; verb++)
		verb_reference(w, verb);
}

/* ---- the schema ---- */

static json_t *text_schema(size_t min, size_t max)
{
	return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", (int)min, "maxLength",
			 (int)max);
}

static json_t *arg_schema(const struct verb_arg *arg)
{
	json_t *words;

	switch ((enum arg_type)arg->type) {
	case ARG_IS_TEXT:
		return text_schema(arg->min, arg->max);
	case ARG_IS_TEXTS:
		return json_pack("{s:[o, {s:s, s:o, s:i, s:i}]}", "anyOf", text_schema(1, 256),
				 "type", "array", "items", text_schema(1, 256), "minItems",
				 (int)arg->min, "maxItems", (int)arg->max);
	case ARG_IS_NUMBER:
		return json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", (int)arg->min,
				 "maximum", (int)arg->max);
	case ARG_IS_SECONDS:
		return json_pack("{s:s, s:f, s:f}", "type", "number", "minimum", arg->min / 1000.0,
				 "maximum", arg->max / 1000.0);
	case ARG_IS_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case ARG_IS_WORD:
		words = json_array();
		for (size_t i = 0; arg->words[i]; i++)
			(void)json_array_append_new(words, json_string(arg->words[i]));
		return json_pack("{s:o}", "enum", words);
	case ARG_IS_MAP:
		return json_pack("{s:s, s:o, s:i, s:i}", "type", "object", "additionalProperties",
				 text_schema(0, VERB_TEXT_MAX), "minProperties", (int)arg->min,
				 "maxProperties", (int)arg->max);
	}
	return NULL;
}

static json_t *args_schema(const struct verb *verb)
{
	json_t *properties = json_object(), *required = json_array(), *all;

	for (const struct verb_arg *arg = verb->args; arg->name; arg++) {
		json_t *one = arg_schema(arg);

		(void)json_object_set_new(one, "description", json_string(arg->help));
		(void)json_object_set_new(properties, arg->name, one);
		if (arg->required)
			(void)json_array_append_new(required, json_string(arg->name));
	}
	all = json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
			"required", required, "additionalProperties", 0);
	return verb->flags & VERB_MAIN
		       ? json_pack("{s:[o, o]}", "anyOf", arg_schema(verb->args), all)
		       : all;
}

static json_t *verb_schema(const struct verb *verb)
{
	json_t *properties = json_pack("{s:o}", verb->name, args_schema(verb));

	for (enum flow_outcome o = 0; o < FLOW_OUTCOMES; o++) {
		if (verb->outcomes & 1U << o || (o == OUTCOME_NEXT && verb->outcomes))
			(void)json_object_set_new(properties, g_flow_outcomes[o],
						  text_schema(1, STEP_NAME_MAX));
	}
	if (verb->flags & VERB_ON)
		(void)json_object_set_new(properties, "on",
					  json_pack("{s:s, s:i, s:o}", "type", "object",
						    "minProperties", 1, "additionalProperties",
						    text_schema(1, STEP_NAME_MAX)));
	return json_pack("{s:s, s:s, s:s, s:o, s:[s], s:b}", "title", verb->name, "description",
			 verb->help, "type", "object", "properties", properties, "required",
			 verb->name, "additionalProperties", 0);
}

json_t *flow_schema(void)
{
	json_t *verbs = json_array();

	for (const struct verb *verb = g_flow_verbs; verb->name; verb++)
		(void)json_array_append_new(verbs, verb_schema(verb));
	return json_pack("{s:s, s:s, s:[{s:s, s:{s:s}, s:i, s:i}, {s:s, s:{s:o, s:o, s:{s:s, "
			 "s:{s:s}, s:i, s:i}}, "
			 "s:[s,s], s:b}], s:{s:{s:o}}}",
			 "$schema", "https://json-schema.org/draft/2020-12/schema", "title", "flow",
			 "anyOf", "type", "array", "items", "$ref", "#/$defs/step", "minItems", 1,
			 "maxItems", PROGRAM_STEPS_MAX, "type", "object", "properties", "name",
			 text_schema(1, STEP_NAME_MAX), "start", text_schema(1, STEP_NAME_MAX),
			 "steps", "type", "object", "additionalProperties", "$ref", "#/$defs/step",
			 "minProperties", 1, "maxProperties", PROGRAM_STEPS_MAX, "required",
			 "start", "steps", "additionalProperties", 0, "$defs", "step", "anyOf",
			 verbs);
}
