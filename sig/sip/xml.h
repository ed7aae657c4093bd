/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of an XML document (XML 1.0) in order, without namespaces: prefixes are ignored. There is no
 * DTD, so no entities except the five of XML and numbers. Pure: slices of the document, nothing is
 * copied. */
#ifndef SIG_SIP_XML_H
#define SIG_SIP_XML_H

#include "base/bytes.h"

enum { XML_DEPTH_MAX = 16 };

struct xml_tag {
	struct bytes name; /* without its prefix */
	struct bytes attributes;
	struct bytes before; /* text between the tag before it and this one, escaped */
	bool begins, ends;   /* an empty element does both */
};

struct xml {
	struct bytes rest;
	struct bytes open[XML_DEPTH_MAX]; /* elements around, with their prefixes */
	uint32_t depth;
};

void xml_open(struct xml *x, struct bytes document);
/* Returns 1: *out filled, 0: the end, behind the root element; -EBADMSG: not XML, a DTD, or too
 * deep. */
int xml_next(struct xml *x, struct xml_tag *out);
/* An attribute of that name, escaped. Returns 1: found; 0: absent; -EBADMSG: malformed
 * attributes. */
int xml_attribute(const struct xml_tag *tag, const char *name, struct bytes *value);
/* Unescapes text or an attribute. Returns false for an invalid entity, or one of a character that
 * XML lacks. */
bool xml_unescape(struct writer *w, struct bytes text);

#endif
