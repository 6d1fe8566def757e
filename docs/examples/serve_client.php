<?php
// Ask `suppress serve` before you send. Needs PHP 8 or later, and no package.
//
//   SERVICE=http://127.0.0.1:8090 php serve_client.php +14155552671 +14155552672

declare(strict_types=1);

namespace Suppress;

/** Says why there is no answer. Whatever it is: send nothing. */
class ServiceError extends \RuntimeException
{
    public function __construct(
        string $message,
        public ?int $status = null, // null if there was no answer at all
        public bool $retryable = true,
        public ?int $retryAfter = null, // seconds
    ) {
        parent::__construct($message);
    }
}

function ask(string $path, ?array $content = null): array
{
    $token = getenv('SUPPRESS_SERVE_TOKEN');
    $stream = @fopen((getenv('SERVICE') ?: 'http://127.0.0.1:8090') . $path, 'r', false,
        stream_context_create(['http' => [
            'method' => $content === null ? 'GET' : 'POST',
            'header' => ['Content-Type: application/json',
                ...($token ? ["Authorization: Bearer $token"] : [])],
            'content' => $content === null ? ''
                : json_encode($content, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION),
            'ignore_errors' => true,
            'timeout' => (float) (getenv('SERVICE_TIMEOUT') ?: 60), // for each part of the answer
        ]]));
    if ($stream === false) {
        throw new ServiceError('The service does not answer.');
    }
    $body = json_decode((string) stream_get_contents($stream), true);
    $head = implode("\n", stream_get_meta_data($stream)['wrapper_data']);
    $status = (int) substr($head, 9, 3);
    if ($status !== 200 || !is_array($body)) {
        throw new ServiceError(
            $body['detail'] ?? $body['reason'] ?? 'The service gave no whole answer.',
            $status,
            $body['retryable'] ?? ($status === 200 || $status >= 500),
            preg_match('/^Retry-After: *(\d+)/mi', $head, $found) ? (int) $found[1] : null,
        );
    }
    return $body;
}

/** Say whether one number may be messaged: its outcome, e164 and reason. Send only if 'allowed'. */
function check(string $number, string $channel, ?string $defaultRegion = null): array
{
    return ask('/check',
        ['number' => $number, 'channel' => $channel, 'default_region' => $defaultRegion]);
}

/** Return the outcome, e164 and reason for each of many numbers, in order. */
function screen(array $numbers, string $channel, ?string $defaultRegion = null): array
{
    $query = http_build_query(['channel' => $channel, 'default_region' => $defaultRegion]);
    return ask("/screen?$query", array_values($numbers))['recipients'];
}

/** Return those of many arrays or objects that may be messaged, as they were passed in. */
function filter(array $recipients, string $channel, string $key, ?string $defaultRegion = null): array
{
    $recipients = array_values($recipients);
    $numbers = array_map(fn ($each) => ((array) $each)[$key] ?? null, $recipients);
    $found = screen($numbers, $channel, $defaultRegion);
    $isAllowed = fn ($place) => $found[$place]['outcome'] === 'allowed';
    return array_values(array_filter($recipients, $isAllowed, ARRAY_FILTER_USE_KEY));
}

/** Opt people out; return how many are new on each channel. Details are reason, by, via and such. */
function optOut(array $numbers, array $channels, array $details = []): array
{
    $content = ['numbers' => array_values($numbers), 'channels' => array_values($channels)];
    return ask('/opt-outs', $content + $details)['new'];
}

/** Take opt-outs back; return for each number the sources that go on listing it. */
function optIn(array $numbers, string $channel, array $details = []): array
{
    $content = ['numbers' => array_values($numbers), 'channel' => $channel];
    return ask('/opt-ins', $content + $details)['still_listed_by'];
}

/** Return the state of each channel's list; an error says why one of them may not serve. */
function health(): array
{
    return ask('/health')['channels'];
}

if (PHP_SAPI === 'cli' && realpath($_SERVER['argv'][0] ?? '') === __FILE__) {
    $numbers = array_slice($_SERVER['argv'], 1);
    foreach ($numbers as $number) {
        ['outcome' => $outcome, 'e164' => $e164, 'reason' => $reason] = check($number, 'sms');
        echo $outcome === 'allowed' ? "to $e164\n" : "not to $number: $outcome, $reason\n";
    }
    $people = array_map(fn ($place, $phone) => ['id' => $place + 1, 'phone' => $phone],
        array_keys($numbers), $numbers);
    echo json_encode(filter($people, 'sms', 'phone')), "\n";
}
