using System.Net;

namespace MeshLite.Kubernetes.Tests.Leadership;

/// <summary>
/// The way to the server and back: takes time, loses requests and answers. What a caller gives up on may still arrive, and be done, later.
/// </summary>
internal sealed class BadNetwork(HttpMessageHandler server, TimeProvider time, Random random) : DelegatingHandler(server)
{
    /// <summary>Of all requests, those that meet trouble. <value>0 to 1, default none.</value></summary>
    public double Trouble { get; set; }

    /// <summary>Longest way, each way, in trouble.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>More time for each answer.</summary>
    public TimeSpan AnswerDelay { get; set; }

    /// <summary>Nothing gets through any more, either way: the process is dead, or cut off.</summary>
    public bool IsCut { get; set; }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        TravelAsync(request).WaitAsync(cancellationToken);

    private async Task<HttpResponseMessage> TravelAsync(HttpRequestMessage request)
    {
        var fate = random.NextDouble() < Trouble ? random.Next(5) : -1;
        await Task.Delay(fate is 0 or 1 ? MaxDelay * random.NextDouble() : TimeSpan.FromMilliseconds(random.Next(1, 20)), time);
        if (IsCut || fate == 2)
        {
            return await Never();
        }

        if (fate == 3)
        {
            return new HttpResponseMessage(HttpStatusCode.InternalServerError) { Content = new StringContent("{}") };
        }

        var answer = await base.SendAsync(request, CancellationToken.None);
        await Task.Delay(AnswerDelay + (fate == 1 ? MaxDelay * random.NextDouble() : TimeSpan.FromMilliseconds(random.Next(1, 20))), time);
        return IsCut || fate == 4 ? await Never() : answer;
    }

    private static Task<HttpResponseMessage> Never() => new TaskCompletionSource<HttpResponseMessage>().Task;
}
