import { Settings } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useText } from '../i18n/settings.ts';
import { offeredQualities, speeds } from './choices.ts';
import type { Quality } from './hls-player.ts';
import styles from './Player.module.css';

interface Props {
  readonly qualities: readonly Quality[];
  /** Chosen by the viewer; undefined for automatic. */
  readonly chosen: number | undefined;
  readonly shown: number | undefined;
  readonly speed: number;
  readonly onChoose: (index: number | undefined) => void;
  readonly onSpeed: (speed: number) => void;
  readonly onOpenChange: (isOpen: boolean) => void;
}

function Choice({
  name,
  label,
  test,
  isChosen,
  onChoose,
}: {
  readonly name: string;
  readonly label: string;
  readonly test: string;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}): ReactNode {
  return (
    <label className={styles['choice']}>
      <input type="radio" name={name} checked={isChosen} onChange={onChoose} data-test={test} />
      {label}
    </label>
  );
}

function Choices({ qualities, chosen, shown, speed, onChoose, onSpeed }: Props): ReactNode {
  const { t, language } = useText();
  const number = new Intl.NumberFormat(language);
  const now = qualities.find(({ index }) => index === shown);
  const automatic = chosen === undefined && now ? t.player.autoNow(t.player.height(now.linesPx)) : t.player.auto;
  return (
    <>
      {qualities.length > 0 && (
        <fieldset>
          <legend>{t.player.quality}</legend>
          <Choice
            name="quality"
            label={automatic}
            test="quality-auto"
            isChosen={chosen === undefined}
            onChoose={() => onChoose(undefined)}
          />
          {offeredQualities(qualities).map(({ index, linesPx }) => (
            <Choice
              key={index}
              name="quality"
              label={t.player.height(linesPx)}
              test={`quality-${linesPx}`}
              isChosen={chosen === index}
              onChoose={() => onChoose(index)}
            />
          ))}
        </fieldset>
      )}
      <fieldset>
        <legend>{t.player.speed}</legend>
        {speeds.map((each) => (
          <Choice
            key={each}
            name="speed"
            label={each === 1 ? t.player.normal : `${number.format(each)}×`}
            test={`speed-${each}`}
            isChosen={speed === each}
            onChoose={() => onSpeed(each)}
          />
        ))}
      </fieldset>
    </>
  );
}

/** Shows the panel in the top layer, where a low player does not cut it off, right above its button. */
function openAbove(box: HTMLElement | null, button: HTMLElement | null): void {
  if (!box || !button) return;
  const { right, top } = button.getBoundingClientRect();
  box.style.setProperty('--right', `${document.documentElement.clientWidth - right}px`);
  box.style.setProperty('--bottom', `${window.innerHeight - top + 12}px`);
  box.showPopover();
}

/** Quality and speed, in a panel above the player's bar. */
export function SettingsMenu(props: Props): ReactNode {
  const { t } = useText();
  const [isOpen, setIsOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const { onOpenChange } = props;
  useEffect(() => {
    onOpenChange(isOpen);
    if (!isOpen) return undefined;
    openAbove(box.current, button.current);
    box.current?.querySelector<HTMLInputElement>('input:checked')?.focus();
    const onPointer = (event: PointerEvent): void => {
      const target = event.target;
      if (target instanceof Node && !box.current?.contains(target) && !button.current?.contains(target)) setIsOpen(false);
    };
    const close = (): void => setIsOpen(false);
    document.addEventListener('pointerdown', onPointer);
    for (const moment of ['scroll', 'resize']) window.addEventListener(moment, close);
    return () => {
      document.removeEventListener('pointerdown', onPointer);
      for (const moment of ['scroll', 'resize']) window.removeEventListener(moment, close);
    };
  }, [isOpen, onOpenChange]);
  return (
    <>
      <button
        ref={button}
        type="button"
        className={styles['button']}
        aria-label={t.player.settings}
        aria-expanded={isOpen}
        title={t.player.settings}
        data-test="player-settings"
        onClick={() => setIsOpen(!isOpen)}
      >
        <Settings size={24} aria-hidden="true" />
      </button>
      {isOpen && (
        <div
          ref={box}
          popover="manual"
          role="group"
          aria-label={t.player.settings}
          className={styles['menu']}
          data-test="player-menu"
          onKeyDown={(event) => {
            event.stopPropagation(); // Arrow keys choose here; outside they seek.
            if (event.key !== 'Escape') return;
            setIsOpen(false);
            button.current?.focus();
          }}
        >
          <Choices {...props} />
        </div>
      )}
    </>
  );
}
