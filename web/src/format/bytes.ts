const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

function scale(bytes: number): { value: number; unit: (typeof units)[number]; digits: number } {
  let value = Math.max(0, Number.isFinite(bytes) ? bytes : 0);
  let index = 0;
  while (value >= 999.5 && index < units.length - 1) {
    value /= 1000;
    index += 1;
  }
  return { value, unit: units[index] ?? 'byte', digits: index > 1 && value < 99.95 ? 1 : 0 };
}

/** An amount of bytes in decimal units of the language, e.g. `12.3 MB`; one decimal from megabytes on. */
export function formatBytes(bytes: number, language: string): string {
  const { value, unit, digits } = scale(bytes);
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);
}

/** A transfer rate in bytes per second, e.g. `12.3 MB/s`. */
export const formatRate = (bytesPerSecond: number, language: string): string => `${formatBytes(bytesPerSecond, language)}/s`;
