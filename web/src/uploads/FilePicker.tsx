import { useRef, type ReactNode } from 'react';
import { Button } from '../components/Button.tsx';

interface Props {
  readonly label: string;
  readonly multiple: boolean;
  readonly kind?: 'primary' | 'plain';
  readonly test: string;
  readonly onFiles: (files: readonly File[]) => void;
}

const accepted = 'video/*,.mkv,.mov,.avi,.webm,.ts,.mts,.m2ts,.mxf,.wmv,.flv';

/** A button that opens the choice of files of the system. The input behind it is what tests give files to. */
export function FilePicker({ label, multiple, kind = 'plain', test, onFiles }: Props): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div>
      <Button kind={kind} onClick={() => input.current?.click()} data-test={`${test}-button`}>
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        accept={accepted}
        multiple={multiple}
        hidden
        aria-label={label}
        data-test={test}
        onChange={({ target }) => {
          onFiles([...(target.files ?? [])]);
          target.value = ''; // so that the same file can be chosen again
        }}
      />
    </div>
  );
}
