/**
 * Characters that hostile text hides behind: where people look they are taken out, or shown as what they are.
 *
 * C0 and C1 controls but tab and line feed, DEL; what turns the direction of reading; what has no width or no picture,
 * and what only chooses between pictures (Unicode, Default_Ignorable_Code_Point, and the blank Braille pattern); tags;
 * noncharacters. By UTF-16 unit.
 */
export const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff]|\udb40[\udc00-\udfff]/g
