using System.Collections.Immutable;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Resilience.Mirror;

/// <summary>
/// Copies of a share of a rule's requests (Gateway API HTTPRequestMirrorFilter). Nobody waits for them and their responses are
/// thrown away; one send each, within the concurrency limit of the Service they go to. A body goes along if it is at
/// most what is kept for retries, and once it has been read; a longer one is not mirrored, which is counted. One per rule.
/// </summary>
internal sealed class MirrorModel(ImmutableArray<MirrorConfig> mirrors, AttemptSettings settings)
{
    /// <value>What a copy may take. 15 s: long enough for what a request usually does, short enough not to pile up.</value>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Sends the copies that the draw says. Never waits, never fails. Of a WebSocket there is no copy.</summary>
    public void Send(RequestState state, HttpRequestMessage request, ReplayContent? body)
    {
        foreach (var mirror in mirrors)
        {
            if (request.Method != HttpMethod.Connect && settings.Random.NextDouble() * 100 < mirror.Percent)
            {
                var copy = RequestCopy.Of(request, null);
                _ = SendAsync(state.Destination!.Backends[mirror.Backend], copy, body?.WholeAsync());
            }
        }
    }

    private async Task SendAsync(BackendModel backend, HttpRequestMessage copy, Task<ReadOnlyMemory<byte>?>? body)
    {
        using (copy)
        {
            settings.Retries?.Mirrored(backend.Config.Service, await SendWithinLimitsAsync(backend, copy, body));
        }
    }

    private async Task<string> SendWithinLimitsAsync(BackendModel backend, HttpRequestMessage copy, Task<ReadOnlyMemory<byte>?>? body)
    {
        if (body is not null)
        {
            if (await body is not { } whole)
            {
                return "body_too_large";
            }

            var content = new ReadOnlyMemoryContent(whole);
            foreach (var (name, values) in copy.Content!.Headers.NonValidated)
            {
                content.Headers.TryAddWithoutValidation(name, values);
            }

            copy.Content = content;
        }

        var service = backend.Pool.State;
        using var patience = new CancellationTokenSource(Patience, settings.Time);
        if (backend.Config.Missing || !await service.Concurrency.AcquireAsync(patience.Token))
        {
            return backend.Config.Missing ? "destination_unknown" : "overloaded";
        }

        try
        {
            var endpoint = backend.Pick(default(ExcludedEndpoints), key: null);
            return endpoint.Endpoint is null ? "no_healthy_endpoint" : await SendToAsync(service, endpoint, copy, patience.Token);
        }
        finally
        {
            service.Concurrency.Release();
        }
    }

    private static async Task<string> SendToAsync(ServiceState service, Picked<EndpointState> picked, HttpRequestMessage copy, CancellationToken cancellationToken)
    {
        // Load like any other: else all copies would go to the endpoint that looked best before the first of them.
        var load = picked.Endpoint!.Load;
        var begun = load.Begin();
        var answered = false;
        try
        {
            using var response = await picked.Endpoint.Connections.SendAsync(copy, cancellationToken);
            await response.Content.CopyToAsync(Stream.Null, cancellationToken);
            answered = true;
            return "sent";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return "failed";
        }
        finally
        {
            // A copy says nothing of the endpoint's health: what is mirrored to is mostly new, and may fail as it likes.
            if (answered)
            {
                load.End(begun);
            }
            else
            {
                load.Abandon();
            }

            service.Ejector.Record(picked.Endpoint.Health, CircuitBreaker.AttemptOutcome.Neutral, picked.IsProbe);
        }
    }
}
