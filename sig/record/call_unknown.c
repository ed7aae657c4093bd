/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/call_unknown.h"

uint64_t call_unknown_name(const ProtobufCMessage *element, size_t position)
{
	if (element->descriptor == &tandem__call__leg__descriptor) {
		const Tandem__Call__Leg *leg = (const Tandem__Call__Leg *)(const void *)element;

		return leg->index ? leg->index : position;
	}
	if (element->descriptor == &tandem__call__flow__descriptor) {
		const Tandem__Call__Flow *flow = (const Tandem__Call__Flow *)(const void *)element;

		return (uint64_t)flow->leg << 32 | flow->line;
	}
	return position;
}
