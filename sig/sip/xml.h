/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of an XML document (XML 1.0), one after the other, without namespaces: a prefix is passed over. There is no DTD, so no entity but the
 * five of XML and numbers. Pure: slices of the document, nothing is copied.
 */
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
/* 1: *out filled, 0: the end, behind the one element that a document has; -EBADMSG: it is no XML, has a DTD, or is too deep. */
int xml_next(struct xml *x, struct xml_tag *out);
/* An attribute of that name, escaped. 1: there is one; 0: there is none; -EBADMSG: what stands there are no attributes. */
int xml_attribute(const struct xml_tag *tag, const char *name, struct bytes *value);
/* Text or an attribute as it is meant. False: an entity that is none, or of a character that XML has not. */
bool xml_unescape(struct writer *w, struct bytes text);

#endif
