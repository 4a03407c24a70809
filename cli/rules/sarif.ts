/** Findings as SARIF 2.1.0 (OASIS), the form that code hosts show beside the lines. Pure. */
import type { RuleFinding } from '../../services/detect/authoring/rule-finding.ts'

export function sarifOf(findings: readonly RuleFinding[]): object {
  const codes = [...new Set(findings.map(({ code }) => code))].sort()
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'modelwarden', rules: codes.map((id) => ({ id })) } },
        results: findings.map(({ severity, code, message, place, hint }) => ({
          ruleId: code,
          level: severity,
          message: { text: hint === undefined ? message : `${message} ${hint}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(place.file) },
                region: { startLine: place.line, startColumn: place.column },
              },
            },
          ],
        })),
      },
    ],
  }
}
