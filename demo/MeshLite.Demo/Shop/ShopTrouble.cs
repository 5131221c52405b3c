namespace MeshLite.Demo.Shop;

/// <summary>What an application is told to do wrong (<c>PUT /trouble</c> of the shop, whose <c>Trouble</c> says what each means). Default: nothing.</summary>
internal sealed record ShopTrouble
{
    public static ShopTrouble None { get; } = new();

    /// <summary>30 % of the requests fail after they were booked: two in three with 503, one with a broken connection.</summary>
    public static ShopTrouble ThirtyPercent { get; } = new() { FailPercent = 20, BreakPercent = 10 };

    public double FailPercent { get; init; }

    public double BreakPercent { get; init; }

    public int DelayMs { get; init; }

    public bool Hang { get; init; }

    public bool Forget { get; init; }
}
